"""A made-up hyperspectral scene as arrays: materials, where they lie, and how a sensor sees them.

Reflectance of a pixel = shading * sum over materials of (abundance * the material's spectrum there)
+ noise. Shares come from a land-cover map drawn at four times the resolution, so that borders are mixed;
fields are also thinly mixed with soil or grass; each field has its own variant of its material's spectrum.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int, UInt8, UInt16
from scipy import ndimage
from scipy.spatial import cKDTree

from terramamba.data.synthetic.texture import smooth_noise

OVERSAMPLING = 4
"""Side of a pixel in cells of the fine land-cover map."""

FIRST_NM, LAST_NM = 420.0, 2400.0

CLASSES: Mapping[str, tuple[int, int, int]] = {
    "water": (38, 102, 178),
    "forest": (20, 90, 50),
    "meadow": (120, 190, 80),
    "crop": (200, 210, 60),
    "bare soil": (170, 120, 70),
    "road": (90, 90, 100),
    "roof": (200, 60, 50),
}
"""Land cover with its colour (red, green, blue), in the order of the codes 1, 2, ..."""

WATER, FOREST, MEADOW, CROP, SOIL, ROAD, ROOF = range(1, 8)
FIELD_MATERIALS = (FOREST, MEADOW, CROP, SOIL)


@dataclass(frozen=True, eq=False)
class SceneArrays:
    """A scene before it becomes files: ``cover`` has every pixel's main class, ``labels`` the surveyed."""

    reflectance: UInt16[np.ndarray, "c h w"]
    wavelengths: Float32[np.ndarray, " c"]
    cover: UInt8[np.ndarray, "h w"]
    labels: UInt8[np.ndarray, "h w"]


def draw_scene(
    random: np.random.Generator, height: int, width: int, bands: int, *, dead_band: int, nodata: int
) -> SceneArrays:
    """Draw a scene: reflectance x 10,000, ``nodata`` in one corner and all over ``dead_band`` (0-based)."""
    wavelengths = np.linspace(FIRST_NM, LAST_NM, bands, dtype=np.float32)
    cover, field = _draw_map(random, height * OVERSAMPLING, width * OVERSAMPLING)
    fields = int(field.max()) + 1
    spectra = np.stack([_variants(random, code, wavelengths, fields) for code in range(1, 8)])
    abundances = _abundances(random, cover)
    field_of_pixel = field[OVERSAMPLING // 2 :: OVERSAMPLING, OVERSAMPLING // 2 :: OVERSAMPLING]
    clean = np.einsum("khw,khwc->chw", abundances, spectra[:, field_of_pixel], optimize=True)
    shading = 0.7 + 0.5 * smooth_noise(random, height, width, 24.0)
    seen = clean * shading + random.normal(0, 1, clean.shape) * _noise_level(wavelengths)[:, None, None]
    reflectance = np.clip(seen * 10_000, nodata + 1, 20_000).astype(np.uint16)
    row, col = np.ogrid[:height, :width]
    outside = 3 * row + col < 0.3 * min(height, width)
    reflectance[:, outside] = nodata
    reflectance[dead_band] = nodata
    main = (abundances.argmax(axis=0) + 1).astype(np.uint8)
    # Nobody labels the very edge of a field.
    inside = ndimage.maximum_filter(main, 3) == ndimage.minimum_filter(main, 3)
    clear = (abundances.max(axis=0) >= 0.7) & inside & ~outside
    labels = np.where(_surveyed(random, height, width) & clear, main, 0)
    return SceneArrays(reflectance, wavelengths, main, labels.astype(np.uint8))


def _draw_map(
    random: np.random.Generator, height: int, width: int
) -> tuple[UInt8[np.ndarray, "h w"], Int[np.ndarray, "h w"]]:
    """Land cover and field number on the fine grid: fields, a river, roads, and houses along them."""
    row, col = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    turn = random.uniform(0, np.pi)
    u, v = col * np.cos(turn) + row * np.sin(turn), row * np.cos(turn) - col * np.sin(turn)
    fields = max(24, height * width // 6400)
    sites = np.column_stack([random.uniform(a.min(), a.max(), 2 * fields) for a in (u, v)])
    # The largest-coordinate distance makes straight-edged parcels, as ploughs do.
    field = cKDTree(sites).query(np.column_stack([u.ravel(), v.ravel()]), p=np.inf)[1].reshape(u.shape)
    present, field = np.unique(field, return_inverse=True)
    field = field.reshape(u.shape)
    materials = np.resize(np.array(FIELD_MATERIALS, np.uint8), len(present))
    cover = random.permutation(materials)[field]

    bend = random.uniform(0.05, 0.12) * width * np.sin(row / height * random.uniform(4, 7) + turn)
    river = np.abs(col - width * random.uniform(0.25, 0.75) - bend) < 6.0 * OVERSAMPLING
    cover[river] = WATER
    houses = np.zeros_like(river)
    for angle in (turn, turn + np.pi / 2, turn + random.uniform(0.6, 1.0)):
        along = (col - width / 2) * np.cos(angle) + (row - height / 2) * np.sin(angle)
        across = (row - height / 2) * np.cos(angle) - (col - width / 2) * np.sin(angle)
        across = across - random.uniform(-0.25, 0.25) * height
        cover[np.abs(across) < 3.0 * OVERSAMPLING] = ROAD
        side = (np.abs(across) > 4.0 * OVERSAMPLING) & (np.abs(across) < 13.0 * OVERSAMPLING)
        block = np.floor(along / (13 * OVERSAMPLING))
        built = random.random(4096) < 0.45
        in_house = (along / (13 * OVERSAMPLING) - block) < 0.72
        houses |= side & in_house & built[(block * 2 + (across > 0)).astype(int) % 4096]
    cover[houses & (cover != ROAD) & ~river] = ROOF
    return cover, field


def _abundances(random: np.random.Generator, cover: UInt8[np.ndarray, "H W"]) -> Float32[np.ndarray, "k h w"]:
    """Share of each material in each pixel, summing to 1: of its cells, and of what grows between."""
    height, width = (side // OVERSAMPLING for side in cover.shape)
    cells = cover.reshape(height, OVERSAMPLING, width, OVERSAMPLING)
    abundances = np.stack([(cells == code).mean(axis=(1, 3)) for code in range(1, 8)]).astype(np.float32)
    for code, under in ((CROP, SOIL), (MEADOW, SOIL), (SOIL, MEADOW), (FOREST, MEADOW)):
        moved = abundances[code - 1] * 0.3 * smooth_noise(random, height, width, 6.0)
        abundances[code - 1] -= moved
        abundances[under - 1] += moved
    return abundances


def _surveyed(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Square plots, more than half of the scene, that somebody has visited."""
    side = 10
    plots = random.random((height // side + 1, width // side + 1)) < 0.6
    inner = np.zeros((side, side), bool)
    inner[1:, 1:] = True
    return np.kron(plots, inner)[:height, :width].astype(bool)


def _variants(
    random: np.random.Generator, code: int, wavelengths: Float32[np.ndarray, " c"], count: int
) -> Float32[np.ndarray, "f c"]:
    """One variant of a material's spectrum for each field: brightness, slope, and depth of its features."""
    depth = random.normal(1, 0.08, (count, 1))
    tilt = random.normal(0, 0.04, (count, 1)) * (wavelengths - 1400) / 1000
    bright = random.normal(1, 0.08, (count, 1))
    return (_spectrum(code, wavelengths[None], depth) * (bright + tilt)).clip(0.002).astype(np.float32)


def _spectrum(
    code: int, nm: Float32[np.ndarray, "one c"], depth: Float32[np.ndarray, "f one"] | np.ndarray
) -> np.ndarray:
    """Reflectance of a material; ``depth`` scales its absorption features."""

    def dip(centre: float, width: float, strength: float) -> np.ndarray:
        return 1 - np.clip(strength * depth, 0, 0.97) * np.exp(-(((nm - centre) / width) ** 2) / 2)

    def rise(centre: float, width: float) -> np.ndarray:
        return 1 / (1 + np.exp(-(nm - centre) / width))

    def plant(visible: float, infrared: float, moisture: float, chlorophyll: float) -> np.ndarray:
        green = visible * dip(450, 45, 0.6 * chlorophyll) * dip(670, 35, 0.75 * chlorophyll)
        leaf = infrared * np.exp(-np.maximum(nm - 1300, 0) / 1500 * moisture)
        leaf = leaf * dip(975, 40, 0.12 * moisture) * dip(1200, 50, 0.2 * moisture)
        leaf = leaf * dip(1450, 70, 0.6 * moisture) * dip(1940, 90, 0.75 * moisture)
        edge = rise(715, 14)
        return green * (1 - edge) + leaf * edge

    match code:
        case 1:
            return 0.09 * np.exp(-np.maximum(nm - 560, 0) / 130) * dip(430, 60, 0.4) + 0.006
        case 2:
            return plant(0.05, 0.30, 1.15, 1.0)
        case 3:
            return plant(0.11, 0.36, 0.65, 0.6) * (1 + 0.1 * rise(1500, 100))
        case 4:
            return plant(0.09, 0.50, 1.0, 1.05)
        case 5:
            return (
                (0.08 + 0.30 * rise(850, 320)) * dip(1410, 35, 0.15) * dip(1915, 45, 0.3) * dip(2205, 30, 0.2)
            )
        case 6:
            return (0.09 + 0.07 * rise(1200, 500)) * dip(2310, 45, 0.15)
        case _:
            return (
                (0.06 + 0.32 * rise(590, 35)) * dip(870, 90, 0.3) * dip(1930, 50, 0.12) * dip(2205, 25, 0.1)
            )


def _noise_level(wavelengths: Float32[np.ndarray, " c"]) -> Float32[np.ndarray, " c"]:
    """Standard deviation in reflectance: more in the blue, and where water vapour takes the light."""
    vapour = sum(np.exp(-(((wavelengths - centre) / 45) ** 2)) for centre in (1400.0, 1900.0))
    blue = np.exp(-(wavelengths - FIRST_NM) / 150)
    return (0.006 + 0.008 * blue + 0.02 * vapour).astype(np.float32)
