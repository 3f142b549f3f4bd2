"""The models that can be chosen, and the choice."""
