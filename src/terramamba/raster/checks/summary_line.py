"""What an image was taken for, in one line."""

from terramamba.core.words import count
from terramamba.raster.geogrid import crs_name, pixel_size
from terramamba.raster.scene import Scene


def scene_in_words(scene: Scene) -> str:
    """Say what the file is: format, size, type of values, reference system and pixel size."""
    place = "no georeferencing"
    if scene.transform is not None:
        crs = "no reference system" if scene.crs is None else crs_name(scene.crs)
        place = f"{crs}, pixels of {pixel_size(scene.transform, scene.crs)}"
    elif scene.grid.ground_control is not None:
        place = "georeferenced by ground control points"
    size = f"{scene.height} rows x {scene.width} columns, {count(scene.bands, 'band')} of {scene.dtype}"
    return f"{scene.path}: {scene.format}, {size}; {place}"


def wavelengths_in_words(scene: Scene, bands: tuple[int, ...]) -> str:
    """Say where the ``bands`` (from 0) lie in the spectrum."""
    if scene.wavelengths is None:
        return "wavelengths unknown"
    known = [scene.wavelengths[band] for band in bands]
    return f"{min(known):.6g} to {max(known):.6g} nm"
