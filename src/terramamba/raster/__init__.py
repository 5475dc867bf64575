"""Files to arrays and back: scenes of any format read by windows, results written with their georeferencing."""
