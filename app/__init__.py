"""Aquatint: pictures from words, made on the user's own machine."""
