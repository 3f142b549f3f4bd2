"""The memory monitor."""
