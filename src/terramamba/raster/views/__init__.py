"""Scenes made of scenes: warped, masked, cropped."""
