"""Scenes and pairs that are made up, for the demo and for tests."""

from terramamba.data.synthetic.files import make_pairs, make_scene

__all__ = ["make_pairs", "make_scene"]
