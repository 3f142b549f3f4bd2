"""The request that is being put together, and what it will take."""
