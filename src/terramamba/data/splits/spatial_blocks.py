"""Spatial blocks made of connected components: what ``--split block`` trains, validates and tests on.

A class's training pixels are a few contiguous blocks at random places: whole connected components where they
fit, else a piece cut from one. Held-out pixels within half a patch of any training pixel belong to no subset,
so that no held-out patch contains a training pixel. What remains is cut into validation and test in the same
way. Small classes choose their places first, and no block may stand where it would take the held-out pixels
that another class needs.

m labelled pixels   k classes   n pixels of one class or block   h, w rows and columns   p candidate places
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped, UInt8

from terramamba.data.labels.class_table import UNLABELLED
from terramamba.data.pixel_list import PixelList
from terramamba.data.splits.leakage import LEFT_OUT, TEST, TRAIN, VALIDATION, within
from terramamba.data.splits.quotas import ClassQuota

MAX_BLOCKS = 4
"""Blocks of a class in a subset at most; each has at least a patch's area, so smaller classes have fewer."""

CANDIDATES = 24
"""Random places tried for a block, besides the eight ends of the class, before a smaller one is tried."""

SPARE = 0.25
"""The last component of a block is taken whole when that exceeds what is wanted by this fraction at most."""

ENOUGH = 0.9
"""A subset with this fraction of its quota is complete; no other component is cut for the rest."""


@dataclass(frozen=True)
class _Block:
    """Pixels that could become training pixels, and what that would cost."""

    members: Int[np.ndarray, " n"]
    box: tuple[slice, slice]
    near: Bool[np.ndarray, "h w"]
    lost: Int[np.ndarray, " k"]


def component_subsets(
    pixels: PixelList,
    targets: Int[np.ndarray, " m"],
    quotas: Mapping[int, ClassQuota],
    names: Sequence[str],
    patch_size: int,
    reach: int,
    rng: np.random.Generator,
) -> tuple[UInt8[np.ndarray, " m"], list[str]]:
    """Draw the subset of every labelled pixel, and note each class that could not be split as asked.

    ``targets`` are 0..K-1; ``quotas`` has every class that is there, by target; class c is called
    ``names[c]``. ``patch_size`` is in pixels, and so is ``reach``,
    which smoothing adds to the buffer. Returns TRAIN, VALIDATION, TEST or LEFT_OUT for each pixel.
    """
    ground = _Ground(pixels, targets, quotas, patch_size, reach, rng)
    notes = []
    smallest_first = sorted(quotas, key=lambda c: len(ground.members[c]))
    for c in smallest_first:
        if not ground.place_training(c):
            notes.append(
                f"class {names[c]!r} ({len(ground.members[c])} pixels) has no room for training and "
                f"held-out pixels {ground.reach + 1} apart; all of it is trained on and none tested"
            )
    held_out = ground.held_out()
    for c in smallest_first:
        ground.place_validation(c)
        if held_out[c] < 2 and ground.trained[c] < len(ground.members[c]):
            missing = "no validation pixel" if held_out[c] == 1 else "neither validation nor test pixels"
            notes.append(f"class {names[c]!r} has {missing}: others' training pixels are too near")
    return ground.finish(), notes


class _Ground:
    """The scene while subsets are being placed on it.

    ``members[c]`` are the pixels of class c (their places in the list of all), component by component;
    ``component[c]`` numbers their components. Images lack the empty ground between pixels, which are at
    ``seen`` (row, column) there and at ``coordinates`` on the scene. ``near`` marks the pixels whose patch
    contains a training pixel. ``needed[c]`` are the held-out pixels that class c must keep.
    """

    def __init__(
        self,
        pixels: PixelList,
        targets: Int[np.ndarray, " m"],
        quotas: Mapping[int, ClassQuota],
        patch_size: int,
        reach: int,
        rng: np.random.Generator,
    ) -> None:
        self.quotas, self.rng = quotas, rng
        self.reach, self.least_block = patch_size // 2 + reach, patch_size**2
        self.span, self.coordinates = sum(pixels.shape), pixels.coordinates
        squeezed = pixels.squeezed(max(self.reach, 1))  # neighbours stay neighbours, and nobody else is one
        self.seen = squeezed.coordinates
        self.targets = squeezed.draw(targets, UNLABELLED)
        self.subsets = np.full(self.targets.shape, LEFT_OUT, np.uint8)
        self.near = np.zeros(self.targets.shape, bool)
        self.members, self.component = _components(targets, squeezed, quotas)
        self.trained = np.zeros(int(targets.max()) + 1, np.int64)
        self.needed = np.zeros_like(self.trained)
        for c, quota in quotas.items():
            # until a class has its place, it needs room for its training pixels too
            self.needed[c] = quota.train + _least_held_out(quota.train, len(self.members[c]))

    def held_out(self) -> Int[np.ndarray, " k"]:
        """Count the pixels of each class that no training patch contains."""
        return self._count(self.targets[(self.subsets != TRAIN) & ~self.near])

    def _count(self, targets: Int[np.ndarray, " n"]) -> Int[np.ndarray, " k"]:
        return np.bincount(targets[targets != UNLABELLED], minlength=len(self.needed))

    def place_training(self, c: int) -> bool:
        """Give class ``c`` its training blocks, fewer pixels where they do not fit; False: nothing fits."""
        wanted = self.quotas[c].train
        while self.trained[c] < ENOUGH * wanted:
            size = min(wanted - int(self.trained[c]), self._block_size(wanted))
            block = self._find_block(c, size, wanted)
            if block is not None:
                self._take(block, c)
            else:
                trained = int(self.trained[c])
                wanted = trained + (wanted - trained) * 4 // 5
        self.needed[c] = _least_held_out(wanted, len(self.members[c]))
        if wanted:
            return True
        self._take(self._block(self.members[c]), c)
        self.needed[c] = 0
        return False

    def place_validation(self, c: int) -> None:
        """Give class ``c`` its validation blocks: at most half of what is held out."""
        members, component = self.members[c], self.component[c]
        free = ~self._of(self.near, members) & (self._of(self.subsets, members) != TRAIN)
        missing = wanted = min(self.quotas[c].val, int(free.sum()) // 2)
        while missing > (1 - ENOUGH) * wanted:
            pixels = self.coordinates[members[free]]
            candidates = self._candidates(pixels)
            place = candidates[self.rng.integers(len(candidates))]
            size = min(missing, self._block_size(wanted))
            block = members[free][_nearest(pixels, component[free], place, size)]
            self.subsets[tuple(self.seen[block].T)] = VALIDATION
            free &= self._of(self.subsets, members) != VALIDATION
            missing -= len(block)

    def finish(self) -> UInt8[np.ndarray, " m"]:
        """Return the subset of each pixel; all that is left and far enough from training is tested."""
        self.subsets[(self.targets != UNLABELLED) & (self.subsets == LEFT_OUT) & ~self.near] = TEST
        return self.subsets[tuple(self.seen.T)]

    def _of(
        self, image: Shaped[np.ndarray, "h w"], members: Int[np.ndarray, " n"]
    ) -> Shaped[np.ndarray, " n"]:
        """What ``image`` shows at these pixels."""
        return image[tuple(self.seen[members].T)]

    def _block_size(self, wanted: int) -> int:
        blocks = int(np.clip(wanted // self.least_block, 1, MAX_BLOCKS))
        return -(-wanted // blocks)

    def _candidates(self, pixels: Int[np.ndarray, "m 2"]) -> Float[np.ndarray, "p 2"]:
        """Points that a block can gather around, shuffled: pixels, and far points that make it an end."""
        angles = np.arange(8) * (np.pi / 4)
        far = pixels.mean(axis=0) + 10.0 * self.span * np.stack([np.sin(angles), np.cos(angles)], 1)
        chosen = self.rng.permutation(len(pixels))[:CANDIDATES]
        return self.rng.permutation(np.concatenate([far, pixels[chosen]]))

    def _find_block(self, c: int, size: int, wanted: int) -> _Block | None:
        """A block of about ``size`` pixels that leaves every class what it needs; None: there is none.

        The first that fits, so that blocks are as representative as random places are; but a class whose
        training pixels were raised to the minimum is so small that it takes the best of all places.
        """
        free = self._of(self.subsets, self.members[c]) != TRAIN
        members, component = self.members[c][free], self.component[c][free]
        pixels = self.coordinates[members]
        held_out = self.held_out()
        needed = self.needed.copy()
        best: _Block | None = None
        for place in self._candidates(pixels):
            block = self._block(members[_nearest(pixels, component, place, size)])
            still_wanted = max(0, wanted - int(self.trained[c]) - len(block.members))
            needed[c] = _least_held_out(wanted, len(self.members[c])) + still_wanted
            # where a class has less than it needs already, no block may take more of it
            if (held_out - block.lost < np.minimum(needed, held_out)).any():
                continue
            if not self.quotas[c].raised:
                return block
            if best is None or block.lost[c] < best.lost[c]:
                best = block
        return best

    def _block(self, members: Int[np.ndarray, " n"]) -> _Block:
        pixels = self.seen[members]
        top, left = np.maximum(pixels.min(axis=0) - self.reach, 0)
        bottom, right = pixels.max(axis=0) + self.reach + 1
        box = (slice(top, bottom), slice(left, right))
        inside = np.zeros(self.subsets[box].shape, bool)
        inside[tuple((pixels - (top, left)).T)] = True
        near = within(inside, self.reach)
        newly = near & ~self.near[box] & (self.subsets[box] != TRAIN)
        return _Block(members, box, near, self._count(self.targets[box][newly]))

    def _take(self, block: _Block, c: int) -> None:
        self.subsets[tuple(self.seen[block.members].T)] = TRAIN
        self.near[block.box] |= block.near
        self.trained[c] += len(block.members)


def _components(
    targets: Int[np.ndarray, " m"], ground: PixelList, quotas: Mapping[int, ClassQuota]
) -> tuple[dict[int, Int[np.ndarray, " n"]], dict[int, Int[np.ndarray, " n"]]]:
    """Pixels of each class in the order of their connected components (diagonal neighbours connect)."""
    from scipy.ndimage import label

    members, components = {}, {}
    for c in quotas:
        own = np.flatnonzero(targets == c)
        numbered, _ = label(ground.draw(targets == c), structure=np.ones((3, 3)))
        number = numbered.ravel()[ground.keys[own]]
        order = np.argsort(number, kind="stable")
        members[c], components[c] = own[order], number[order]
    return members, components


def _least_held_out(train: int, total: int) -> int:
    """Half as many pixels as are trained on, or as the rest of a class has; at least one each to validate
    and test."""
    return max(2, -(-min(train, total - train) // 2))


def _nearest(
    pixels: Int[np.ndarray, "m 2"],
    component: Int[np.ndarray, " m"],
    place: Float[np.ndarray, "2"],
    size: int,
) -> Int[np.ndarray, " n"]:
    """About ``size`` of ``pixels``: whole components by their distance from ``place``, the last one cut."""
    distance = ((pixels - place) ** 2).sum(axis=1)
    first = np.flatnonzero(np.diff(component, prepend=component[0] - 1))
    last = np.append(first[1:], len(component))
    chosen, missing = [], size
    for i in np.argsort(np.minimum.reduceat(distance, first), kind="stable"):
        if last[i] - first[i] - missing <= SPARE * size:
            taken = np.arange(first[i], last[i])
        elif missing <= (1 - ENOUGH) * size:
            break
        else:
            # Stable: which of equally distant pixels is taken is the same on every processor.
            taken = first[i] + np.argsort(distance[first[i] : last[i]], kind="stable")[:missing]
        chosen.append(taken)
        missing -= len(taken)
        if missing <= 0:
            break
    return np.concatenate(chosen)
