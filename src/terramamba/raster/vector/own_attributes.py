"""Attributes of the shapes that this package writes, by which it knows them again when they are read."""

ID, PIXELS = "id", "pixels"

CODE, CLASS = "code", "class"
CLASS_POLYGONS = frozenset({ID, CODE, CLASS, PIXELS})
"""Patches of a map of classes have these, and their area: value and name of the class."""

STRATUM, REFERENCE = "stratum", "reference"
REFERENCE_POINTS = frozenset({ID, STRATUM, REFERENCE})
"""Points to judge a map by: what the map says, and what a person says."""

NOT_SAID = ("", "-", "?", "none", "nan")
"""What stands at a reference point of which nobody said anything."""
