"""Where words are typed: editors, colours, weights, tokens."""
