"""Rasters written whole or not at all."""
