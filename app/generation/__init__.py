"""Requests and the work that turns one into pictures."""
