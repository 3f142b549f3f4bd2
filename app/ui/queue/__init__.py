"""The queue as it is seen, and how far its head is."""
