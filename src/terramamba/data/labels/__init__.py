"""Labels of pixels: rasters, polygons, regions of interest, abundances."""
