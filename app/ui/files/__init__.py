"""Files from outside: what they are, and what is done with them."""
