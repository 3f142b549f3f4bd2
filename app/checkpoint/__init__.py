"""Model files: opening them in place, saying what they are, naming their tensors for the engine."""
