"""What is kept: pictures with their metadata, and models on disk."""
