"""The first wing: a hyperspectral scene and labelled pixels -> a land-cover map."""
