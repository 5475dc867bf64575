"""Random forest on the middle pixel's spectrum.

Breiman, "Random Forests", Machine Learning 45, 2001, pp. 5-32, doi 10.1023/A:1010933404324; on hyperspectral
images: Ham, Chen, Crawford, Ghosh, IEEE TGRS 43(3), 2005, pp. 492-501. Fitted by scikit-learn, applied by
PyTorch, stored as all models are.

Each tree sends a spectrum to the left where band <= threshold, else to the right, down to a leaf with shares
of the classes. The forest's probability is the mean of its trees' shares, the score its logarithm.
"""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Float64, Int
from torch import Tensor

from terramamba.models.baselines.sampling import sample_by_class
from terramamba.models.baselines.validation import best_on_validation
from terramamba.models.model import Model
from terramamba.models.registry import create_model
from terramamba.models.spec import ModelSpec

TREES = 200
"""Trees of a forest."""
BAND_FRACTIONS = (0.05, 0.1, 0.3)
"""Shares of the bands looked at for a split that are tried, beside the square root of their number."""
AT_HAND = 131_072
"""Shares of classes in leaves that are averaged in one go: 1 MB, which stays near the processor.

Measured on one core, 200 trees, 60 classes, batches of 256 / 8,192 spectra, microseconds a spectrum: 64 / 18;
with 64 MB 150 / 174.
"""
AT_ONCE = 10
"""Trees that are grown before they are stored: scikit-learn's own take eight bytes a class for every node."""
CHOSEN_ON = 10_000
"""Training spectra of which more are sampled to choose the bands of a split; the kept forest has them all."""
LEAST = 1e-6
"""Smallest probability, so that every class has a logarithm."""


class RandomForest(Model):
    """A fitted forest; made by ``fit_random_forest``, and until then without any knowledge.

    Args:
        in_channels: bands; a tree names them by number.
        num_classes: classes (k).
        trees: trees (t).
        nodes: nodes of all trees together (n).
        leaves: different leaves, told by their shares (m).
        depth: splits on the longest way from a root to a leaf.
        fitted_classes: classes that had training pixels (f); None: all.
    """

    supports_bf16 = False

    root: Int[Tensor, " t"]
    band: Int[Tensor, " n"]
    threshold: Float64[Tensor, " n"]
    below: Int[Tensor, "2 n"]
    leaf: Int[Tensor, " n"]
    shares: Float64[Tensor, "m f"]
    classes: Int[Tensor, " f"]

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        trees: int = 1,
        nodes: int = 1,
        leaves: int = 1,
        depth: int = 0,
        fitted_classes: int | None = None,
    ) -> None:
        super().__init__()
        fitted = num_classes if fitted_classes is None else fitted_classes
        self.num_classes, self.depth = num_classes, depth
        whole = torch.int32
        self.register_buffer("root", torch.zeros(trees, dtype=whole))
        self.register_buffer("band", torch.zeros(nodes, dtype=whole))
        # float64, as scikit-learn's: float32 could send a value on a threshold the other way.
        self.register_buffer("threshold", torch.zeros(nodes, dtype=torch.float64))
        self.register_buffer("below", torch.zeros(2, nodes, dtype=whole))
        self.register_buffer("leaf", torch.zeros(nodes, dtype=whole))
        self.register_buffer("shares", torch.full((leaves, fitted), 1 / fitted, dtype=torch.float64))
        self.register_buffer("classes", torch.arange(fitted))

    def probabilities(self, spectra: Float[Tensor, "b c"]) -> Float64[Tensor, "b f"]:
        """Work out the probabilities of the fitted classes."""
        values = spectra.double()
        node = self.root.long().expand(len(values), -1)
        for _ in range(self.depth):  # a leaf's children are the leaf itself
            right = values.gather(1, self.band[node].long()) > self.threshold[node]
            node = self.below[right.long(), node].long()
        # In pieces: the shares of all trees stand beside each other before they become one mean.
        rows = max(1, AT_HAND // (node.shape[1] * self.shares.shape[1]))
        leaves = self.leaf[node].long()
        pieces = (leaves[start : start + rows] for start in range(0, max(1, len(leaves)), rows))
        return torch.cat([self.shares[some].mean(dim=1) for some in pieces])

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float32[Tensor, "b k"]:
        """Score the middle pixels of patches (b, c, h, w): log probabilities (b, k), at least log 1e-6."""
        found = self.probabilities(x[:, :, x.shape[2] // 2, x.shape[3] // 2])
        probabilities = found.new_zeros(len(found), self.num_classes).index_copy(1, self.classes, found)
        return probabilities.clamp(min=LEAST).log().float()


def fit_random_forest(
    train_x: Float[np.ndarray, "m c"],
    train_y: Int[np.ndarray, " m"],
    val_x: Float[np.ndarray, "m2 c"],
    val_y: Int[np.ndarray, " m2"],
    *,
    num_classes: int,
    seed: int,
) -> tuple[RandomForest, dict[str, Any]]:
    """Fit 200 fully grown trees for each number of bands a split looks at; keep the best on validation.

    Equal validation accuracies go to fewer bands.

    Args:
        train_x: spectra (m, c).
        train_y: their classes from 0.
        val_x: spectra that choose the number of bands.
        val_y: their classes.
        num_classes: classes (k), also those without training pixels.
        seed: of the draws of pixels and bands.

    Returns:
        The forest in evaluation mode, and what was chosen: bands_a_split, validation_oa, trees, nodes, grid.

    Raises:
        InputError: training spectra of fewer than two classes, or no validation spectra.
    """
    train_x, val_x = (np.asarray(x, dtype=np.float32) for x in (train_x, val_x))
    bands = train_x.shape[1]
    grid = sorted(
        {max(1, round(bands**0.5)), *(max(1, round(fraction * bands)) for fraction in BAND_FRACTIONS)}
    )
    drawn = sample_by_class(train_y, CHOSEN_ON, seed)
    tried = (_Grown(count, num_classes, seed) for count in grid)
    best, validation_oa = best_on_validation(
        "random_forest", "the bands of a split", tried, (train_x[drawn], train_y[drawn]), (val_x, val_y)
    )
    if len(drawn) < len(train_y):
        best = _Grown(best.bands, num_classes, seed).fit(train_x, train_y)
        validation_oa = best.score(val_x, val_y)
    model = best.model()
    return model, {
        "bands_a_split": best.bands,
        "validation_oa": validation_oa,
        "trees": TREES,
        "nodes": len(model.band),
        "chosen_on": len(drawn),
        "grid": {"bands_a_split": grid},
    }


class _Grown:
    """A forest of scikit-learn, grown and stored a few trees at a time."""

    def __init__(self, bands: int, num_classes: int, seed: int) -> None:
        self.bands, self._num_classes, self._seed = bands, num_classes, seed
        self._trees: list[_Tree] = []

    def fit(self, x: Float[np.ndarray, "m c"], y: Int[np.ndarray, " m"]) -> "_Grown":
        from sklearn.ensemble import RandomForestClassifier

        forest = RandomForestClassifier(
            AT_ONCE,
            max_features=self.bands,
            random_state=self._seed,
            warm_start=True,
            n_jobs=torch.get_num_threads(),
        )
        for count in range(AT_ONCE, TREES + 1, AT_ONCE):
            forest.set_params(n_estimators=count).fit(x, y)
            self._trees += [_stored(tree.tree_) for tree in forest.estimators_[-AT_ONCE:]]
            # It grows as many as are missing; those that are stored need not be held twice.
            forest.estimators_[-AT_ONCE:] = [None] * AT_ONCE
        self._classes, self._in_channels = forest.classes_, x.shape[1]
        return self

    def score(self, x: Float[np.ndarray, "m c"], y: Int[np.ndarray, " m"]) -> float:
        # Tree after tree, as scikit-learn adds them up, so that equals are decided as it decides them.
        total = sum(tree.shares[tree.leaf[tree.find(x)]] for tree in self._trees)
        return float((self._classes[np.argmax(total, axis=1)] == y).mean())

    def model(self) -> RandomForest:
        trees = self._trees
        root = np.cumsum([0, *(len(tree.band) for tree in trees)])
        # Most leaves hold one class alone, so that there are far fewer different leaves than leaves.
        first = np.cumsum([0, *(len(tree.shares) for tree in trees)])
        shares, which = np.unique(
            np.concatenate([tree.shares for tree in trees]), axis=0, return_inverse=True
        )
        leaves = [
            np.where(tree.inner, 0, which.ravel()[tree.leaf + start])
            for tree, start in zip(trees, first[:-1], strict=True)
        ]
        below = [tree.below + start for tree, start in zip(trees, root[:-1], strict=True)]
        buffers = {
            "root": torch.as_tensor(root[:-1], dtype=torch.int32),
            "band": torch.as_tensor(np.concatenate([tree.band for tree in trees]), dtype=torch.int32),
            "threshold": torch.as_tensor(np.concatenate([tree.threshold for tree in trees])),
            "below": torch.as_tensor(np.concatenate(below, axis=1), dtype=torch.int32),
            "leaf": torch.as_tensor(np.concatenate(leaves), dtype=torch.int32),
            "shares": torch.as_tensor(shares),
            "classes": torch.as_tensor(self._classes, dtype=torch.int64),
        }
        sizes = {
            "trees": len(trees),
            "nodes": int(root[-1]),
            "leaves": len(shares),
            "depth": max(tree.depth for tree in trees),
            "fitted_classes": len(self._classes),
        }
        options = {"in_channels": self._in_channels, "num_classes": self._num_classes, **sizes}
        model = cast(RandomForest, create_model("random_forest", **options))
        model.load_state_dict(buffers)
        return model.eval()


@dataclass(frozen=True, eq=False)
class _Tree:
    """One tree: where its n nodes send a spectrum, and which of its m different leaves a leaf is."""

    inner: Bool[np.ndarray, " n"]
    band: Int[np.ndarray, " n"]
    threshold: Float64[np.ndarray, " n"]
    below: Int[np.ndarray, "2 n"]
    leaf: Int[np.ndarray, " n"]
    shares: Float64[np.ndarray, "m f"]
    depth: int

    def find(self, x: Float[np.ndarray, "m c"]) -> Int[np.ndarray, " m"]:
        """Return the leaf that each spectrum comes to."""
        rows, node = np.arange(len(x)), np.zeros(len(x), np.int64)
        for _ in range(self.depth):  # a leaf's children are the leaf itself
            right = x[rows, self.band[node]] > self.threshold[node]
            node = self.below[right.astype(np.int64), node]
        return node


def _stored(tree: Any) -> _Tree:
    itself = np.arange(tree.node_count)
    inner = tree.children_left >= 0
    values = tree.value[:, 0, :][~inner]
    shares, which = np.unique(values / values.sum(1, keepdims=True), axis=0, return_inverse=True)
    leaf = np.zeros(len(itself), np.int32)
    leaf[~inner] = which.ravel()
    sides = [np.where(inner, side, itself) for side in (tree.children_left, tree.children_right)]
    return _Tree(
        inner=inner,
        band=np.where(inner, tree.feature, 0).astype(np.int32),
        threshold=np.where(inner, tree.threshold, 0.0),
        below=np.stack(sides).astype(np.int32),
        leaf=leaf,
        shares=shares,
        depth=int(tree.max_depth),
    )


SPEC = ModelSpec(
    name="random_forest",
    task="classify",
    title="Random forest on single spectra",
    paper="Breiman, Machine Learning 45, 2001, pp. 5-32, doi 10.1023/A:1010933404324",
    build=RandomForest,
    presets={"default": {}},
    default_preset="default",
    recipe={},
    claims={},
    example=(1, 144, 7, 7),  # the patch side of ssa_mamba, so that both are judged on the same split
    fit=fit_random_forest,
)
