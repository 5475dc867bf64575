"""The formats of arrays that say nothing of a scene but its values: MATLAB and NumPy."""

from terramamba.raster.readers.array_scene import open_array
from terramamba.raster.readers.format_record import Format, OpenOptions, ends_in
from terramamba.raster.scene import Scene


def _array(path: str, options: OpenOptions) -> Scene:
    return open_array(path, variable=options.variable, asked=options.asked)


_MATLAB_NOTES = (
    "The largest of several; `--scene-variable scene.Data` or `FILE.mat:scene.Data` names another, "
    "in structures (`s(2).x`) and cells (`c{3}`) too. What holds the bands is settled by the labels, other "
    "entries of the file (`wavelength`, `nRow`, `gt`) or the model; else `--axes rows,cols,bands` says it. "
    "Tables of pixels (with `nRow`, `nCol`) are read column by column."
)

ARRAYS = (
    Format(
        name="MATLAB v7.3",
        known_by="`.mat` that is HDF5",
        reads="the 3-D array, else the only 2-D one, by windows",
        notes=_MATLAB_NOTES,
        matches=lambda given: ends_in(".mat")(given) and given.is_hdf5,
        reader=_array,
        named=True,
        bare=True,
    ),
    Format(
        name="MATLAB v5",
        known_by="`.mat`",
        reads="the 3-D array, else the only 2-D one, as a whole",
        notes="As v7.3.",
        matches=ends_in(".mat"),
        reader=_array,
        named=True,
        bare=True,
    ),
    Format(
        name="NumPy .npy",
        known_by="`.npy`",
        reads="the array, by windows",
        notes="Labels, model or `--axes` settle which axis holds the bands. Objects are not unpickled.",
        matches=ends_in(".npy"),
        reader=_array,
        named=True,
        bare=True,
    ),
    Format(
        name="NumPy .npz",
        known_by="`.npz`",
        reads="the 3-D array, else the only 2-D one, as a whole",
        notes="As .npy; of several arrays as MATLAB.",
        matches=ends_in(".npz"),
        reader=_array,
        named=True,
        bare=True,
    ),
)
