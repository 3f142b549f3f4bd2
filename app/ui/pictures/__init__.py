"""Pictures in the window's hands: their levels, thumbnails, the way out of the window."""
