"""Support vector machine with an RBF kernel on the middle pixel's spectrum: the field's usual yardstick.

Cortes and Vapnik, "Support-vector networks", Machine Learning 20, 1995; on hyperspectral images: Melgani and
Bruzzone, IEEE TGRS 42, 2004. Fitted by scikit-learn (libsvm), applied by PyTorch, stored as all models are.

    f_ij(x) = sum_s w_s exp(-gamma |x - v_s|^2) + b_ij        one machine for each pair of classes i < j

A pixel goes to the class that wins most pairs; between equals the summed f decide (as with scikit-learn's
``break_ties=True``). The scores are votes, so a softmax of them is no calibrated probability.
"""

from itertools import product
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int
from torch import Tensor

from terramamba.models.baselines.validation import best_on_validation
from terramamba.models.model import Model
from terramamba.models.registry import create_model
from terramamba.models.spec import ModelSpec

COSTS = (1.0, 10.0, 100.0, 1000.0, 10_000.0)
"""Values of C that are tried."""
GAMMAS = (0.1, 0.3, 1.0, 3.0, 10.0)
"""Values of gamma that are tried, in units of 1 / (bands * variance of the training spectra)."""
MOST = 10_000
"""Training or validation spectra of which more are sampled: time and memory grow with the square of both."""
NEVER = -1.0
"""Score, below any vote, of a class without training pixels."""


class RBFSVM(Model):
    """A fitted machine; made by ``fit_svm``, and until then without any knowledge.

    Args:
        in_channels: bands (c).
        num_classes: classes (k).
        support_vectors: number of support vectors (s).
        fitted_classes: classes that had training pixels (f); None: all.
    """

    supports_bf16 = False

    vectors: Float32[Tensor, "s c"]
    owner: Int[Tensor, " s"]
    dual: Float64[Tensor, "f1 s"]
    intercept: Float64[Tensor, " pairs"]
    gamma: Float64[Tensor, ""]
    classes: Int[Tensor, " f"]

    def __init__(
        self, in_channels: int, num_classes: int, support_vectors: int = 1, fitted_classes: int | None = None
    ) -> None:
        super().__init__()
        fitted = num_classes if fitted_classes is None else fitted_classes
        self.num_classes = num_classes
        # float64, as in libsvm: a decision is a small difference of large sums.
        wide = torch.float64
        self.register_buffer("vectors", torch.zeros(support_vectors, in_channels))
        self.register_buffer("owner", torch.zeros(support_vectors, dtype=torch.int64))
        self.register_buffer("dual", torch.zeros(fitted - 1, support_vectors, dtype=wide))
        self.register_buffer("intercept", torch.zeros(fitted * (fitted - 1) // 2, dtype=wide))
        self.register_buffer("gamma", torch.zeros((), dtype=wide))
        self.register_buffer("classes", torch.arange(fitted))

    def pairwise(self, spectra: Float[Tensor, "b c"]) -> Float64[Tensor, "b pairs"]:
        """Work out f_ij of each spectrum for pairs (0, 1), (0, 2), ... of fitted classes; above 0: i."""
        with torch.autocast(spectra.device.type, enabled=False):
            x, v = spectra.double(), self.vectors.double()
            squares = (x * x).sum(1)[:, None] + (v * v).sum(1) - 2 * x @ v.T
            kernel = torch.exp(-self.gamma * squares.clamp(min=0))
            # What the vectors of each class say against each other class: a dot product for all pairs at once
            # would be with zeros for all other classes.
            said = torch.stack(
                [
                    kernel[:, own] @ self.dual[:, own].T
                    for own in (self.owner == place for place in range(len(self.classes)))
                ],
                dim=1,
            )
            first, second = self._pairs()
            return said[:, first, second - 1] + said[:, second, first] + self.intercept

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float32[Tensor, "b k"]:
        """Score the middle pixels of patches (b, c, h, w): votes (b, k)."""
        f = self.pairwise(x[:, :, x.shape[2] // 2, x.shape[3] // 2])
        first, second = self._pairs()
        won = (f >= 0).double()
        votes = f.new_zeros(len(f), len(self.classes))
        votes = votes.index_add(1, first, won).index_add(1, second, 1 - won)
        margin = torch.zeros_like(votes).index_add(1, first, f).index_add(1, second, -f)
        scores = f.new_full((len(f), self.num_classes), NEVER)
        # Margins squeezed into a third of a vote: they decide between equals only.
        return scores.index_copy(1, self.classes, votes + margin / (3 * (margin.abs() + 1))).float()

    def _pairs(self) -> tuple[Tensor, Tensor]:
        fitted = len(self.classes)
        first, second = torch.triu_indices(fitted, fitted, offset=1, device=self.classes.device)
        return first, second


def fit_svm(
    train_x: Float[np.ndarray, "m c"],
    train_y: Int[np.ndarray, " m"],
    val_x: Float[np.ndarray, "m2 c"],
    val_y: Int[np.ndarray, " m2"],
    *,
    num_classes: int,
    seed: int,
) -> tuple[RBFSVM, dict[str, Any]]:
    """Fit on training spectra for every C in ``COSTS`` and gamma in ``GAMMAS``; keep the best on validation.

    Equal validation accuracies go to the smaller C, then the smaller gamma. Features should share one scale.

    Args:
        train_x: spectra (m, c).
        train_y: their classes from 0.
        val_x: spectra that choose C and gamma.
        val_y: their classes.
        num_classes: classes (k), also those without training pixels.
        seed: without effect, since nothing here is left to chance.

    Returns:
        The machine in evaluation mode, and what was chosen: C, gamma, validation_oa, support_vectors, grid.

    Raises:
        InputError: training spectra of fewer than two classes, or no validation spectra.
    """
    from sklearn.svm import SVC

    train_x, val_x = (np.asarray(x, dtype=np.float64) for x in (train_x, val_x))
    unit = 1 / max(train_x.shape[1] * float(train_x.var()), np.finfo(np.float64).tiny)
    machines = (SVC(C=cost, gamma=gamma * unit, break_ties=True) for cost, gamma in product(COSTS, GAMMAS))
    best, validation_oa = best_on_validation(
        "svm", "C and gamma", machines, (train_x, train_y), (val_x, val_y)
    )
    model = _from_sklearn(best, num_classes)
    return model, {
        "C": best.C,
        "gamma": best.gamma,
        "validation_oa": validation_oa,
        "support_vectors": len(model.vectors),
        "grid": {"C": list(COSTS), "gamma": [gamma * unit for gamma in GAMMAS]},
    }


def _from_sklearn(svc: Any, num_classes: int) -> RBFSVM:
    sign = -1 if len(svc.classes_) == 2 else 1  # scikit-learn turns the sign round for two classes
    buffers = {
        "vectors": torch.as_tensor(svc.support_vectors_, dtype=torch.float32),
        "owner": torch.as_tensor(np.repeat(np.arange(len(svc.classes_)), svc.n_support_), dtype=torch.int64),
        "dual": torch.as_tensor(sign * svc.dual_coef_),
        "intercept": torch.as_tensor(sign * svc.intercept_),
        "gamma": torch.tensor(svc.gamma, dtype=torch.float64),
        "classes": torch.as_tensor(svc.classes_, dtype=torch.int64),
    }
    count, bands = svc.support_vectors_.shape
    sizes = {"support_vectors": count, "fitted_classes": len(svc.classes_)}
    model = cast(RBFSVM, create_model("svm", in_channels=bands, num_classes=num_classes, **sizes))
    model.load_state_dict(buffers)
    return model.eval()


SPEC = ModelSpec(
    name="svm",
    task="classify",
    title="RBF support vector machine on single spectra",
    paper="Melgani and Bruzzone, IEEE TGRS 42, 2004, pp. 1778-1790, doi 10.1109/TGRS.2004.831865",
    build=RBFSVM,
    presets={"rbf": {}},
    default_preset="rbf",
    recipe={},
    claims={},
    example=(1, 144, 7, 7),  # the patch side of ssa_mamba, so that both are judged on the same split
    fit=fit_svm,
    most_fitted=MOST,
)
