"""A made-up pair of aerial images as arrays: one place at two dates, and where buildings came or went.

Only buildings that appear or disappear count as change. Everything else that differs between two real dates
differs here too and must not count: the season (colour of plants, ploughed fields, crowns that thin out), the
sun (direction and length of shadows), the air and the camera (gain, haze and noise), cars, roofs that were
cleaned, and a second image that is up to a pixel out of place.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int, UInt8
from scipy import ndimage
from scipy.spatial import cKDTree

from terramamba.data.synthetic.texture import smooth_noise

MARGIN = 20
"""Pixels drawn around the image, so that shadows and shifts come in from outside."""

CELL = 36
"""Side of the squares, in pixels, that hold at most one building each."""

BEFORE_ONLY, AFTER_ONLY, ALWAYS = 0, 1, 2

GRASS, CROP, SOIL, PAVED = range(4)
GROUND = np.array([(92, 112, 62), (116, 122, 66), (142, 120, 92), (150, 148, 144)], np.float32)
ROADS = (118.0, 118.0, 122.0)
TREE = (48.0, 72.0, 40.0)
ROOFS = np.array(
    [(168, 88, 66), (148, 76, 60), (122, 122, 128), (206, 204, 198), (96, 108, 138), (178, 150, 112)],
    np.float32,
)
CARS = np.array([(230, 230, 230), (40, 40, 45), (170, 40, 40), (60, 80, 150)], np.float32)


@dataclass(frozen=True, eq=False)
class PairArrays:
    """Two images in red, green, blue, and where a building appeared or disappeared."""

    before: UInt8[np.ndarray, "c h w"]
    after: UInt8[np.ndarray, "c h w"]
    changed: Bool[np.ndarray, "h w"]


@dataclass(frozen=True, eq=False)
class _Place:
    """What both dates share."""

    plots: Int[np.ndarray, "h w"]
    kinds: Int[np.ndarray, " p"]
    on_road: Bool[np.ndarray, "h w"]
    trees: Float32[np.ndarray, "n radius_row_col"]
    building: Int[np.ndarray, "h w"]
    stays: Int[np.ndarray, " m"]
    roof: Float32[np.ndarray, "m rgb"]
    height: Float32[np.ndarray, " m"]
    ridge: Float32[np.ndarray, "h w"]
    grain: Float32[np.ndarray, "h w"]


def draw_pair(random: np.random.Generator, height: int, width: int) -> PairArrays:
    """Draw a place at two dates."""
    tall, wide = height + 2 * MARGIN, width + 2 * MARGIN
    place = _draw_place(random, tall, wide)
    before, after = (_drawn(random, place, date) for date in (BEFORE_ONLY, AFTER_ONLY))
    inner = (slice(MARGIN, MARGIN + height), slice(MARGIN, MARGIN + width))
    stays = np.append(place.stays, ALWAYS)  # the last entry is for pixels without a building, numbered -1
    changed = stays[place.building] != ALWAYS
    misplaced = ndimage.shift(after, (0.0, *random.uniform(-1, 1, 2)), order=1, mode="nearest")
    return PairArrays(_quantised(before[:, *inner]), _quantised(misplaced[:, *inner]), changed[inner].copy())


def _draw_place(random: np.random.Generator, tall: int, wide: int) -> _Place:
    row, col = np.meshgrid(np.arange(tall), np.arange(wide), indexing="ij")
    turn = random.uniform(0, np.pi / 2)
    u, v = col * np.cos(turn) + row * np.sin(turn), row * np.cos(turn) - col * np.sin(turn)
    count = max(6, tall * wide // 2500)
    sites = np.column_stack([random.uniform(a.min(), a.max(), count) for a in (u, v)])
    plots = cKDTree(sites).query(np.column_stack([u.ravel(), v.ravel()]), p=np.inf)[1].reshape(u.shape)
    on_road = np.zeros((tall, wide), bool)
    for axis, spacing in ((u, 150), (v, 190)):
        on_road |= np.abs((axis - axis.min() + random.uniform(0, spacing)) % spacing - 60) < 4
    building, ridge, corners = _draw_buildings(random, on_road, turn)
    number = len(corners)
    trees = max(4, tall * wide // 1100)
    return _Place(
        plots=plots,
        kinds=random.choice([GRASS, CROP, SOIL, PAVED], count, p=[0.45, 0.25, 0.15, 0.15]),
        on_road=on_road,
        trees=np.column_stack(
            [random.uniform(2.5, 6, trees), random.uniform(0, tall, trees), random.uniform(0, wide, trees)]
        ).astype(np.float32),
        building=building,
        stays=random.choice([BEFORE_ONLY, AFTER_ONLY, ALWAYS], number, p=[0.25, 0.35, 0.4]),
        roof=ROOFS[random.integers(len(ROOFS), size=number)]
        * random.uniform(0.85, 1.15, (number, 1)).astype(np.float32),
        height=random.uniform(4, 9, number).astype(np.float32),
        ridge=ridge,
        grain=smooth_noise(random, tall, wide, 2.5) - 0.5,
    )


def _draw_buildings(
    random: np.random.Generator, on_road: Bool[np.ndarray, "h w"], turn: float
) -> tuple[Int[np.ndarray, "h w"], Float32[np.ndarray, "h w"], list[tuple[int, int]]]:
    """Number of the building on each pixel (-1: none), the side of its ridge, and the cells they stand in."""
    tall, wide = on_road.shape
    building = np.full((tall, wide), -1)
    ridge = np.zeros((tall, wide), np.float32)
    near_road = ndimage.binary_dilation(on_road, iterations=2)
    cells: list[tuple[int, int]] = []
    for top in range(0, tall - CELL + 1, CELL):
        for left in range(0, wide - CELL + 1, CELL):
            length, breadth = random.uniform(7, 14), random.uniform(5, 9)
            angle = turn + random.normal(0, 0.08) + random.choice([0, np.pi / 2])
            square = (slice(top, top + CELL), slice(left, left + CELL))
            row, col = np.mgrid[-CELL // 2 : CELL // 2, -CELL // 2 : CELL // 2] + random.uniform(
                -2, 2, (2, 1, 1)
            )
            along, across = (
                col * np.cos(angle) + row * np.sin(angle),
                row * np.cos(angle) - col * np.sin(angle),
            )
            inside = (np.abs(along) < length) & (np.abs(across) < breadth)
            if random.random() < 0.3:  # an L: one corner is missing
                inside &= ~((along > length * 0.2) & (across > breadth * 0.1))
            if random.random() > 0.7 or (near_road[square] & inside).any():
                continue
            building[square][inside] = len(cells)
            ridge[square][inside] = np.sign(across[inside])
            cells.append((top, left))
    return building, ridge, cells


def _drawn(random: np.random.Generator, place: _Place, date: int) -> Float32[np.ndarray, "rgb h w"]:
    """The place as the camera saw it at ``date``, in digital numbers, not yet quantised."""
    tall, wide = place.plots.shape
    kinds = place.kinds.copy()
    ploughed = random.random(len(kinds)) < 0.25
    kinds[ploughed & (kinds == CROP)] = SOIL
    season = random.uniform(0, 1)
    colours = GROUND.copy()
    colours[:2] += season * np.array([(30, 2, 4), (44, 26, 10)], np.float32)
    image = colours[kinds][place.plots]
    image *= (
        1 + 0.35 * place.grain[..., None] + 0.2 * (smooth_noise(random, tall, wide, 9.0)[..., None] - 0.5)
    )
    image[place.on_road] = ROADS
    _park_cars(random, image, place.on_road)

    height = np.zeros((tall, wide), np.float32)
    crowns = place.trees * np.array([random.uniform(0.85, 1.1), 1, 1], np.float32)
    row, col = np.mgrid[:tall, :wide].astype(np.float32)
    distance, nearest = cKDTree(crowns[:, 1:]).query(np.column_stack([row.ravel(), col.ravel()]))
    standing = place.building < 0
    crown = (distance < crowns[nearest, 0]).reshape(tall, wide) & standing & ~place.on_road
    leaves = np.array(TREE) + season * np.array([34, 8, -2])
    image[crown] = leaves * (1 + 0.6 * place.grain[crown, None])
    height[crown] = 4
    here = np.append((place.stays == ALWAYS) | (place.stays == date), False)[place.building]
    cleaned = random.normal(1, 0.08, len(place.roof)).astype(np.float32)
    sun = random.uniform(0, 2 * np.pi)
    lit = 1 + 0.13 * np.sin(sun) * place.ridge[here, None]
    numbers = place.building[here]
    image[here] = place.roof[numbers] * cleaned[numbers, None] * lit * (1 + 0.1 * place.grain[here, None])
    height[here] = place.height[numbers]

    image *= np.where(_in_shadow(height, sun, random.uniform(0.55, 1.1)), 0.48, 1.0)[..., None]
    gain = random.normal(1, 0.08) * random.normal(1, 0.03, 3)
    camera = gain * image + random.uniform(0, 14) + random.normal(0, 3, 3)
    blurred = ndimage.gaussian_filter(camera, (0.6, 0.6, 0))
    return (blurred + random.normal(0, 3, image.shape)).astype(np.float32).transpose(2, 0, 1)


def _park_cars(
    random: np.random.Generator, image: Float32[np.ndarray, "h w rgb"], on_road: Bool[np.ndarray, "h w"]
) -> None:
    corners = np.argwhere(on_road[:-6, :-6])
    if len(corners) == 0:
        return
    for row, col in corners[random.integers(len(corners), size=1 + len(corners) // 400)]:
        long_side, short_side = random.permutation([6, 3])
        image[row : row + long_side, col : col + short_side] = CARS[random.integers(len(CARS))]


def _in_shadow(height: Float32[np.ndarray, "h w"], sun: float, slope: float) -> Bool[np.ndarray, "h w"]:
    """Where something towards the sun stands high enough; ``slope`` is the sun's height as a tangent."""
    shadow = np.zeros(height.shape, bool)
    for step in range(1, min(MARGIN, int(height.max() / slope) + 1)):
        shift = (round(step * np.sin(sun)), round(step * np.cos(sun)))
        shadow |= np.roll(height, shift, axis=(0, 1)) > height + step * slope
    return shadow


def _quantised(image: Float32[np.ndarray, "rgb h w"]) -> UInt8[np.ndarray, "rgb h w"]:
    return np.clip(np.rint(image), 1, 255).astype(np.uint8)
