"""How right a map is: reference points of it, and what they say."""

from os import fspath

from terramamba.assessment import assess, reference_points
from terramamba.assessment.assess import Assessment
from terramamba.assessment.reference_points import DrawnPoints
from terramamba.core.arguments import checked
from terramamba.core.files import StrPath
from terramamba.raster.vector.own_attributes import REFERENCE


@checked
def sample_points(
    map: StrPath, out: StrPath, *, per_class: int = 50, seed: int = 0, overwrite: bool = False
) -> DrawnPoints:
    """Draw pixels of each class of a map at random and write their centres, to be given a reference.

    Args:
        map: Map of classes that a job wrote, or any raster of whole numbers with one band.
        out: GeoPackage (.gpkg) or GeoJSON (.geojson) to write; its attribute ``reference`` is empty.
        per_class: Points of each class; of smaller classes all pixels.
        seed: Of the draw; the same map, number and seed give the same points.
        overwrite: Replace an earlier file.

    Raises:
        InputError: a map that cannot be read or has no georeference, or an output that cannot be written.
    """
    return reference_points.draw_points(
        fspath(map), fspath(out), per_class=per_class, seed=seed, overwrite=overwrite
    )


@checked
def assess_map(
    map: StrPath, points: StrPath, *, reference: str = REFERENCE, layer: str | None = None
) -> Assessment:
    """Estimate accuracies and areas, with 95 % intervals, by points with a reference (Olofsson et al. 2014).

    Args:
        map: The map that the points were drawn from.
        points: Vector file of points.
        reference: Attribute that says what is really there, by the name or the value of a class.
        layer: Layer of the file, where it has several.

    Raises:
        InputError: a file cannot be read, a class is unknown, points were drawn from another map, or a class
            of the map has fewer than 2 points with a reference.
    """
    return assess.assess_map(fspath(map), fspath(points), reference=reference, layer=layer)
