"""Iteratively reweighted multivariate alteration detection: a change detector that needs no training.

Nielsen, "The regularized iteratively reweighted MAD method for change detection in multi- and
hyperspectral data", IEEE Transactions on Image Processing 16(2), 2007, pp. 463-478, doi
10.1109/TIP.2006.888195; Nielsen, Conradsen, Simpson, "Multivariate alteration detection (MAD) and MAF
postprocessing in multispectral, bitemporal image data", Remote Sensing of Environment 64(1), 1998, pp. 1-19,
doi 10.1016/S0034-4257(97)00162-4.

    here        paper      meaning
    a, b        a_i, b_i   bands of each date are combined so that the dates correlate as much as they can
    rho         rho_i      canonical correlations
    mad         M_i        a_i' X - b_i' Y, of variance 2 (1 - rho_i) where nothing changed
    chi2        Z          sum of M_i^2 / variance: chi-squared with as many degrees of freedom as bands
    weight      w          probability of a larger Z where nothing changed: what changed counts little next

Gains and offsets between the dates, band by band or mixed, change nothing, so that light, haze and sensor
need not be alike.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from terramamba.core.errors import InputError
from terramamba.models.baselines.cva import above_otsu
from terramamba.models.baselines.unsupervised import require_change_alone
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec

SETTLED = 1e-3
"""No correlation moved by more than this: the iteration has come to its end."""
NEGLIGIBLE = 1e-4
"""Chi-squared below this is rounding: dates that are the same have it."""
RIDGE = 1e-6
"""Of the mean variance, added to each band's own, so that bands that say the same can be inverted."""


class IRMAD(Model):
    """The root of chi-squared of a pair's MAD variates, minus its Otsu threshold."""

    whole_image = True
    """Correlations are the whole pair's; tiles would each find others."""
    takes_valid = True
    supports_bf16 = False

    def __init__(self, iterations: int) -> None:
        super().__init__()
        self.iterations = iterations

    @torch.no_grad()
    def forward(
        self, x: Float[Tensor, "b 2 c h w"], valid: Bool[Tensor, "b h w"] | None = None
    ) -> Float[Tensor, "b 1 h w"]:
        """Work out (sqrt(chi2) - threshold) / its standard deviation: above 0 is changed.

        All of it is that of the ``valid`` pixels (None: all). A pair that is the same everywhere is
        unchanged: -1.
        """
        with torch.autocast(x.device.type, enabled=False):
            counts = torch.ones_like(x[:, 0, 0], dtype=torch.bool) if valid is None else valid
            change = torch.zeros_like(x[:, 0, 0])
            for i, (pair, known) in enumerate(zip(x, counts, strict=True)):
                change[i] = self._chi(pair, known)
            return above_otsu(change, counts)[:, None]

    def _chi(self, pair: Float[Tensor, "2 c h w"], known: Bool[Tensor, "h w"]) -> Float[Tensor, "h w"]:
        """Square root of chi-squared; 0 where there are fewer pixels than numbers to find."""
        c, h, w = pair.shape[1:]
        pixels = pair.flatten(2).double()[:, :, known.flatten()]
        chi = torch.zeros(h * w, dtype=torch.float64, device=pair.device)
        if pixels.shape[2] > 2 * c:
            chi[known.flatten()] = reweighted_chi2(pixels[0], pixels[1], self.iterations).sqrt()
        return chi.view(h, w).to(torch.promote_types(pair.dtype, torch.float32))


def reweighted_chi2(
    before: Float[Tensor, "c m"], after: Float[Tensor, "c m"], iterations: int
) -> Float[Tensor, " m"]:
    """Work out chi-squared of ``m`` pixels' MAD variates, with weights that settle on what did not change."""
    c, m = before.shape
    weight, last = torch.ones(m, dtype=before.dtype, device=before.device), None
    chi2 = torch.zeros_like(weight)
    for _ in range(iterations):
        total = weight.sum()
        x, y = (date - (date * weight).sum(1, keepdim=True) / total for date in (before, after))
        xx, xy, yy = ((first * weight) @ second.t() / total for first, second in ((x, x), (x, y), (y, y)))
        root_x, root_y = _inverse_root(xx), _inverse_root(yy)
        left, rho, right = torch.linalg.svd(root_x @ xy @ root_y)  # canonical correlations
        mad = (root_x @ left).t() @ x - (root_y @ right.t()).t() @ y
        variance = (2 * (1 - rho.clamp(max=1))).clamp(min=RIDGE)
        chi2 = (mad.square() / variance[:, None]).sum(0)
        if last is not None and (rho - last).abs().max() < SETTLED:
            break
        last = rho
        weight = torch.special.gammaincc(torch.full_like(chi2, c / 2), chi2 / 2).clamp(min=1e-12)
    return torch.where(chi2 > NEGLIGIBLE, chi2, 0.0)


def _inverse_root(covariance: Float[Tensor, "c c"]) -> Float[Tensor, "c c"]:
    """Invert the root of a covariance matrix; what is constant, or said by other bands, counts as 0."""
    ridge = RIDGE * covariance.diagonal().mean().clamp(min=1e-30)
    values, vectors = torch.linalg.eigh(covariance)
    return vectors @ torch.diag((values.clamp(min=0) + ridge).rsqrt()) @ vectors.t()


def _build(in_channels: int, num_classes: int = 1, iterations: int = 30) -> IRMAD:
    require_change_alone("ir_mad", num_classes)
    if iterations < 1:
        raise InputError(f"ir_mad: iterations={iterations}; give 1 (MAD without new weights) or more")
    return IRMAD(iterations)


SPEC = ModelSpec(
    name="ir_mad",
    task="change",
    title="Iteratively reweighted multivariate alteration detection",
    paper="Nielsen, IEEE TIP 16(2), 2007, pp. 463-478, doi 10.1109/TIP.2006.888195",
    build=_build,
    presets={"default": {}},
    default_preset="default",
    recipe={},
    claims={},
    example=(1, 2, 3, 256, 256),
    trainable=False,
)
