"""Files to arrays and back: scenes read window by window, results written with their georeferencing."""
