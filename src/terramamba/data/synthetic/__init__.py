"""Scenes and pairs that are made up, for the demo and for tests."""
