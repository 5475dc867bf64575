"""Random forest on the middle pixel's spectrum.

Breiman, "Random Forests", Machine Learning 45, 2001, pp. 5-32, doi 10.1023/A:1010933404324; on hyperspectral
images: Ham, Chen, Crawford, Ghosh, IEEE TGRS 43(3), 2005, pp. 492-501. Fitted by scikit-learn, applied by
PyTorch, stored as all models are.

Each tree sends a spectrum to the left where band <= threshold, else to the right, down to a leaf with shares
of the classes. The forest's probability is the mean of its trees' shares, the score its logarithm.
"""

from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int
from torch import Tensor

from terramamba.models.baselines.validation import best_on_validation
from terramamba.models.model import Model
from terramamba.models.registry import create_model
from terramamba.models.spec import ModelSpec

TREES = 200
"""Trees of a forest."""
BAND_SHARES = (0.05, 0.1, 0.3)
"""Shares of the bands looked at for a split that are tried, beside the square root of their number."""
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
        return self.shares[self.leaf[node].long()].mean(dim=1)

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
    from sklearn.ensemble import RandomForestClassifier

    train_x, val_x = (np.asarray(x, dtype=np.float32) for x in (train_x, val_x))
    bands = train_x.shape[1]
    grid = sorted({max(1, round(bands**0.5)), *(max(1, round(share * bands)) for share in BAND_SHARES)})
    forests = (RandomForestClassifier(TREES, max_features=count, random_state=seed) for count in grid)
    best, validation_oa = best_on_validation(
        "random_forest", "the bands of a split", forests, (train_x, train_y), (val_x, val_y)
    )
    model = _from_sklearn(best, num_classes)
    return model, {
        "bands_a_split": best.max_features,
        "validation_oa": validation_oa,
        "trees": TREES,
        "nodes": len(model.band),
        "grid": {"bands_a_split": grid},
    }


def _from_sklearn(forest: Any, num_classes: int) -> RandomForest:
    trees = [tree.tree_ for tree in forest.estimators_]
    root = np.cumsum([0, *(tree.node_count for tree in trees)])
    itself = np.arange(root[-1])
    inner = np.concatenate([tree.children_left for tree in trees]) >= 0
    first = np.repeat(root[:-1], np.diff(root))  # number of the first node of each node's tree
    sides = [
        np.where(inner, np.concatenate([getattr(tree, side) for tree in trees]) + first, itself)
        for side in ("children_left", "children_right")
    ]
    values = np.concatenate([tree.value[:, 0, :] for tree in trees])[~inner]
    # Most leaves hold one class alone, so that there are far fewer different leaves than leaves.
    shares, which = np.unique(values / values.sum(1, keepdims=True), axis=0, return_inverse=True)
    leaf = np.zeros(len(itself), dtype=np.int32)
    leaf[~inner] = which.ravel()
    band = np.where(inner, np.concatenate([tree.feature for tree in trees]), 0)
    threshold = np.concatenate([tree.threshold for tree in trees])
    buffers = {
        "root": torch.as_tensor(root[:-1], dtype=torch.int32),
        "band": torch.as_tensor(band, dtype=torch.int32),
        "threshold": torch.as_tensor(np.where(inner, threshold, 0.0)),
        "below": torch.as_tensor(np.stack(sides), dtype=torch.int32),
        "leaf": torch.as_tensor(leaf),
        "shares": torch.as_tensor(shares),
        "classes": torch.as_tensor(forest.classes_, dtype=torch.int64),
    }
    sizes = {
        "trees": len(trees),
        "nodes": len(itself),
        "leaves": len(shares),
        "depth": int(max(tree.max_depth for tree in trees)),
        "fitted_classes": len(forest.classes_),
    }
    options = {"in_channels": forest.n_features_in_, "num_classes": num_classes, **sizes}
    model = cast(RandomForest, create_model("random_forest", **options))
    model.load_state_dict(buffers)
    return model.eval()


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
