"""One HTML page about runs and their map that needs no network."""
