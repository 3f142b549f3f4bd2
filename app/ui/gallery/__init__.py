"""The gallery as it is seen, and how pictures come into it."""
