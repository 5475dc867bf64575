"""Weights that come with the package: a folder each, with a card and a licence of its own."""
