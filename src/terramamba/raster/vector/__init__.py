"""Polygons, points and lines: read, burnt into pixels, traced from them."""
