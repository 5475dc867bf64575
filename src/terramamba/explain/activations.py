"""Where a detector's target layers respond, and what of it speaks for change: activations and Grad-CAM.

Grad-CAM: Selvaraju et al., ICCV 2017, Eq. 1-2, for the sum of the logits of the marked pixels, as Vinogradova
et al. (AAAI 2020) do for maps: each channel weighs as much as the mean of the logits' gradient over its
positions, and only what speaks for change is kept. Outputs are read by hooks; the model computes as ever.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Float32
from torch import Tensor, nn

from terramamba.models.model import Model
from terramamba.scores.thresholds import changed
from terramamba.training.predict import logits_of, only_channel

DATES = ("before", "after")


@dataclass(frozen=True, eq=False)
class Layer:
    """One map at the size of the images.

    ``activation`` is the root mean square over the channels, ``cam`` Grad-CAM. ``cell`` is the side of one
    position in pixels, ``date`` empty where both dates are fused.
    """

    part: str
    stage: int
    date: str
    cell: int
    activation: Float32[np.ndarray, "h w"]
    cam: Float32[np.ndarray, "h w"]

    @property
    def name(self) -> str:
        """Such as "CSAM 2 before"."""
        return f"{self.part} {self.stage} {self.date}".rstrip()


@dataclass(frozen=True, eq=False)
class Evidence:
    """Probability of change, the pixels whose logits Grad-CAM explains, and the layers."""

    probability: Float32[np.ndarray, "h w"]
    explained: Bool[np.ndarray, "h w"]
    layers: tuple[Layer, ...]


@contextmanager
def outputs_of(modules: Mapping[str, nn.Module]) -> Iterator[dict[str, Tensor]]:
    """Collect what each of ``modules`` returns while the model runs in the block, by name."""
    found: dict[str, Tensor] = {}

    def keep(name: str) -> "torch.utils.hooks.RemovableHandle":
        def hook(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
            found[name] = output

        return modules[name].register_forward_hook(hook)

    handles = [keep(name) for name in modules]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def change_evidence(
    model: Model,
    images: Float[Tensor, "2 c h w"],
    usable: Bool[np.ndarray, "h w"],
    threshold: float,
    meaning: int | None = None,
) -> Evidence:
    """Compute what ``model``, in evaluation mode and where ``images`` are, finds and on what evidence.

    Of several meanings of "changed", ``meaning`` is asked for. Explained are the logits of usable pixels with
    a probability of at least ``threshold``; where there are none, those of all usable pixels.
    """
    h, w = images.shape[-2:]
    targets = {f"{layer.part} {layer.stage}": layer for layer in model.target_layers(meaning or 0)}
    modules = {name: layer.module for name, layer in targets.items()}
    with torch.enable_grad(), outputs_of(modules) as found:
        # Gradients reach every part also where the weights were frozen.
        batch = {"image": images[None].detach().requires_grad_()}
        if meaning is not None:
            batch["meaning"] = torch.tensor([meaning], device=images.device)
        logit = only_channel(logits_of(model, batch))[0]
        probability = torch.sigmoid(logit.detach().float()).cpu().numpy()
        explained = usable & changed(probability, threshold)
        if not explained.any():
            explained = usable
        score = logit[torch.from_numpy(explained).to(logit.device)].sum()
        slopes = torch.autograd.grad(score, list(found.values())) if found else ()
    gradients = dict(zip(found, slopes, strict=True))
    layers = []
    for name, (part, stage, cell, _) in targets.items():
        maps, slope = found[name].detach().float(), gradients[name].float()
        dates = DATES if len(maps) == len(DATES) else ("",)
        sizes = {"activation": activation(maps), "cam": grad_cam(maps, slope)}
        full = {
            kind: F.interpolate(one[:, None], scale_factor=cell, mode="bilinear")[:, 0, :h, :w].cpu().numpy()
            for kind, one in sizes.items()
        }
        layers += [
            Layer(part, stage, date, cell, full["activation"][i], full["cam"][i])
            for i, date in enumerate(dates)
        ]
    return Evidence(probability, explained, tuple(layers))


def activation(maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b h w"]:
    """Return how strong the channels respond at each position: their root mean square."""
    return maps.square().mean(dim=1).sqrt()


def grad_cam(maps: Float[Tensor, "b c h w"], gradients: Float[Tensor, "b c h w"]) -> Float[Tensor, "b h w"]:
    """Return the ReLU of the sum over channels of (mean gradient) x (map) (Grad-CAM, Eq. 1-2)."""
    weights = gradients.mean(dim=(2, 3), keepdim=True)
    return torch.relu((weights * maps).sum(dim=1))
