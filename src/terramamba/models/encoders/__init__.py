"""Encoders that models share, and weights that they learnt from other images."""
