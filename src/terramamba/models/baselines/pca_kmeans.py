"""PCA and k-means on the difference image: a change detector that needs no training.

Celik, "Unsupervised change detection in satellite images using principal component analysis and k-means
clustering", IEEE GRSL 6(4), 2009, pp. 772-776, doi 10.1109/LGRS.2009.2025059. Blocks of h x h pixels of the
difference image, side by side, give the principal components; every pixel's own h x h neighbourhood,
projected on the first S of them, is its feature vector; k-means parts the vectors in two, and the cluster
with the larger mean difference is change. Several bands enter by the length of their change vectors, which
for one band is Celik's |X2 - X1|.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from terramamba.core.errors import InputError
from terramamba.models.baselines.cva import change_magnitude
from terramamba.models.baselines.unsupervised import require_change_alone
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec

STEEPNESS = 4.0
"""Logit at the centre of the changed cluster."""


class PCAKMeans(Model):
    """Two clusters of pixels by the principal components of their neighbourhoods' differences."""

    whole_image = True
    """Components and clusters are the whole pair's; tiles would each choose others."""
    takes_valid = True
    supports_bf16 = False

    def __init__(self, block: int, components: int, seed: int) -> None:
        super().__init__()
        self.block, self.components, self.seed = block, components, seed

    @torch.no_grad()
    def forward(
        self, x: Float[Tensor, "b 2 c h w"], valid: Bool[Tensor, "b h w"] | None = None
    ) -> Float[Tensor, "b 1 h w"]:
        """Tell how much nearer a pixel is to the changed cluster than to the other; above 0 is changed.

        Clusters are those of the ``valid`` pixels (None: all). A pair with the same difference everywhere is
        unchanged: -4.
        """
        with torch.autocast(x.device.type, enabled=False):
            difference = change_magnitude(x)
            counts = torch.ones_like(difference, dtype=torch.bool) if valid is None else valid
            logits = torch.zeros_like(difference)
            for i, known in enumerate(counts):
                logits[i] = self._logits(difference[i], known)
            return logits[:, None]

    def _logits(self, difference: Float[Tensor, "h w"], known: Bool[Tensor, "h w"]) -> Float[Tensor, "h w"]:
        values = difference[known]
        if not len(values) or not values.max() > values.min():
            return torch.full_like(difference, -STEEPNESS)
        # What is not known stands for the mean, so that no border of it is a component of its own.
        difference = torch.where(known, difference, values.mean())
        features = self._features(difference)
        centres = self._centres(features[known.flatten()], values)
        unchanged, changed = torch.cdist(features, centres).unbind(1)
        apart = torch.linalg.vector_norm(centres[1] - centres[0])
        return (STEEPNESS * (unchanged - changed) / apart).view(difference.shape)

    def _features(self, difference: Float[Tensor, "h w"]) -> Float[Tensor, "m s"]:
        """Project every pixel's neighbourhood, less the mean block, on the blocks' principal components."""
        size, margin = self.block, self.block // 2
        image = _grow(difference, margin)
        grid = image if min(difference.shape) < size else difference
        blocks = F.unfold(grid[None, None], size, stride=size)[0].t().cpu().double()
        mean = blocks.mean(0)
        _, vectors = torch.linalg.eigh((blocks - mean).t() @ (blocks - mean) / len(blocks))
        axes = vectors[:, -self.components :].flip(1).t()
        # Projecting all neighbourhoods is one convolution: they are never all in memory.
        filters = axes.to(image).view(-1, 1, size, size)
        projected = F.conv2d(image[None, None], filters)[0].flatten(1).t()
        return projected - (axes @ mean).to(image)

    def _centres(
        self, features: Float[Tensor, "m s"], difference: Float[Tensor, " m"]
    ) -> Float[Tensor, "2 s"]:
        """Find the centres of the unchanged and of the changed cluster."""
        from sklearn.cluster import KMeans

        found = KMeans(n_clusters=2, n_init=3, random_state=self.seed).fit(features.cpu().numpy())
        labels = torch.from_numpy(found.labels_).to(features.device)
        changed = int(difference[labels == 1].mean() > difference[labels == 0].mean())
        centres = torch.from_numpy(found.cluster_centers_).to(features)
        return centres[[1 - changed, changed]]


def _grow(image: Float[Tensor, "h w"], margin: int) -> Float[Tensor, "h2 w2"]:
    return F.pad(image[None, None], (margin, margin, margin, margin), mode="replicate")[0, 0]


def _build(
    in_channels: int, num_classes: int = 1, block: int = 5, components: int = 3, seed: int = 0
) -> PCAKMeans:
    require_change_alone("pca_kmeans", num_classes)
    if block < 1 or block % 2 == 0:
        raise InputError(f"pca_kmeans: block={block}; give an odd number, so that a pixel has its centre")
    if not 1 <= components <= block * block:
        raise InputError(f"pca_kmeans: components={components}; give 1 to {block * block}, for block={block}")
    return PCAKMeans(block, components, seed)


SPEC = ModelSpec(
    name="pca_kmeans",
    task="change",
    title="PCA and k-means on the difference image",
    paper="Celik, IEEE GRSL 6(4), 2009, pp. 772-776, doi 10.1109/LGRS.2009.2025059",
    build=_build,
    presets={"default": {}},
    default_preset="default",
    recipe={},
    claims={},
    example=(1, 2, 3, 256, 256),
    trainable=False,
)
