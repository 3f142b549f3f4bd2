"""The left sidebar: what to make."""
