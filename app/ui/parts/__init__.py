"""Widgets and helpers that know nothing of pictures: fields, cards, lists, icons, the theme."""
