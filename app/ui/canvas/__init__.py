"""The middle of the window: the picture, what is compared with it, and its mask."""
