"""The window: one widget a file, and the theme that they share."""
