"""Samples for learning: labels, splits, patches of a scene, and image pairs."""
