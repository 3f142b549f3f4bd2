"""From the words of a prompt to weighted token ids."""
