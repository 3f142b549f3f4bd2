"""The typed face of the C engine."""
