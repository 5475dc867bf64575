"""Land cover without a patch for every pixel: tiles that do not overlap, and the mean of their tokens.

The head of the model is linear after the average over a patch, so a patch's logits are the mean of its
tokens'. Tokens of tiles stand for those of each pixel's own patch: they come from the same weights, but see
the neighbourhood from another pixel. With several tilings, shifted against each other, every token is the
mean of several views.

c band   h, w rows and columns of a window   p side of a patch   k class   m usable pixels
"""

from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from terramamba.core.errors import InputError
from terramamba.models.model import Model
from terramamba.runs.model_card import FastAgreement

TILINGS = (1, 2, 4, 9)
"""Numbers of tilings to choose from; the work grows with them."""


def margin(patch_size: int) -> int:
    """Return the pixels beyond a window that its tiles can reach."""
    return patch_size // 2 + patch_size - 1


def read_margin(patch_size: int, tilings: int) -> int:
    """Return the pixels beyond a window that are read with it; ``tilings`` of 0: a patch for each pixel."""
    return margin(patch_size) if tilings else patch_size // 2


def shifts(patch_size: int, tilings: int) -> tuple[tuple[int, int], ...]:
    """Return row and column at which the first tile of each tiling starts; the same one twice counts once."""
    if tilings == 2:
        return tuple(dict.fromkeys([(0, 0), (patch_size // 2, patch_size // 2)]))
    side = {1: 1, 4: 2, 9: 3}[tilings]
    steps = dict.fromkeys(i * patch_size // side for i in range(side))
    return tuple((down, right) for down in steps for right in steps)


def check_tilings(model: Model, tilings: int) -> None:
    """Raise ``InputError`` where ``model`` cannot be used so, or with so many tilings."""
    if tilings not in TILINGS:
        raise InputError(f"--tilings {tilings}: choose one of {', '.join(map(str, TILINGS))}")
    if not model.classifies_tokens:
        raise InputError(
            "--mode fast: this model does not classify the single pixels of a patch; use --mode exact"
        )


def choose_tilings(mode: str, tilings: int, tolerance: float, known: FastAgreement | None) -> int:
    """Return the tilings to map with, 0 for exact.

    "auto" takes the fewest whose overall accuracy on validation pixels is within ``tolerance`` percentage
    points of exact, by what is ``known`` of the run; where nothing is, it is exact.

    Raises:
        InputError: there is no such mode.
    """
    if mode not in ("exact", "fast", "auto"):
        raise InputError(f"--mode {mode}: choose one of exact, fast, auto")
    if mode != "auto" or known is None:
        return tilings if mode == "fast" else 0
    least = known.exact_oa - tolerance / 100
    return min((k for k, score in known.tilings.items() if score.oa >= least), default=0)


def lattice(
    shape: tuple[int, int], origin: tuple[int, int], shift: tuple[int, int], p: int
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Lay tiles of a tiling over tokens of a ``shape``, the first of which lies at ``origin`` of the scene.

    Returns, of rows and columns, how far the first tile starts before the first token, how many tiles there
    are, and where the first one starts in the window with ``p - 1`` pixels more on every side.
    """
    (rows, columns) = (
        ((first - start) % p, size) for first, start, size in zip(origin, shift, shape, strict=True)
    )
    before = rows[0], columns[0]
    counts = tuple(-(-(size + ahead) // p) for ahead, size in (rows, columns))
    return before, (counts[0], counts[1]), (p - 1 - before[0], p - 1 - before[1])


def fast_logits(
    model: Model,
    padded: Float[Tensor, "c H W"],
    usable: Bool[Tensor, "h w"],
    origin: tuple[int, int],
    *,
    patch_size: int,
    tilings: int,
    batch_size: int,
) -> Float[Tensor, "m k"]:
    """Compute logits of the usable pixels of a window, row by row.

    Tiles lie where they lie in the scene, so that it does not matter how the scene is cut into windows.

    Args:
        model: one that ``classifies_tokens``.
        padded: the window with ``margin(patch_size)`` pixels more on every side.
        usable: pixels whose logits are needed.
        origin: row and column of the scene at which the window starts.
        patch_size: p.
        tilings: one of ``TILINGS``.
        batch_size: tiles that go through the model together.
    """
    p, half = patch_size, patch_size // 2
    # Tokens of all patches around usable pixels: half a patch more than the window on every side.
    reach = F.pad(usable.float()[None, None], (2 * half,) * 4)
    reach = F.max_pool2d(reach, p, stride=1)[0, 0] > 0
    total: Tensor | None = None
    offsets, first = shifts(p, tilings), (origin[0] - half, origin[1] - half)
    for shift in offsets:
        tokens = _tokens(model, padded, reach, first, shift, p, batch_size)
        total = tokens if total is None else total + tokens
    assert total is not None
    means = F.avg_pool2d(total[None] / len(offsets), p, stride=1)[0]
    return means[:, usable].t()


def _tokens(
    model: Model,
    padded: Tensor,
    reach: Bool[Tensor, "H W"],
    origin: tuple[int, int],
    shift: tuple[int, int],
    p: int,
    batch_size: int,
) -> Float[Tensor, "k H W"]:
    """Logits of the tokens in ``reach``, from ``origin`` of the scene on, by one tiling; 0 elsewhere."""
    before, counts, (top, left) = lattice((reach.shape[0], reach.shape[1]), origin, shift, p)
    n, m = counts
    block = padded[:, top : top + n * p, left : left + m * p]
    tiles = block.reshape(-1, n, p, m, p).permute(1, 3, 0, 2, 4).flatten(0, 1)
    after = [count * p - ahead - size for count, ahead, size in zip(counts, before, reach.shape, strict=True)]
    inside = F.pad(reach, (before[1], after[1], before[0], after[0]))
    chosen = inside.view(n, p, m, p).any(3).any(1).flatten().nonzero()[:, 0]
    found: Tensor | None = None
    for begin in range(0, len(chosen), batch_size):
        some = chosen[begin : begin + batch_size]
        logits = model.token_logits(tiles[some]).float()
        if found is None:
            found = logits.new_zeros(n * m, *logits.shape[1:])
        found[some] = logits
    assert found is not None
    image = found.view(n, m, -1, p, p).permute(2, 0, 3, 1, 4).reshape(found.shape[1], n * p, m * p)
    return image[:, before[0] : before[0] + reach.shape[0], before[1] : before[1] + reach.shape[1]]
