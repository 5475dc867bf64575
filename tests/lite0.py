"""Weights of EfficientNet-lite0 under the names of its public code."""

import torch

from terramamba.models.encoders.efficientnet_lite0 import EfficientNetLite0


def public_names(encoder: EfficientNetLite0) -> dict[str, torch.Tensor]:
    """The weights of ``encoder`` under the names of the public code, with what it has beyond."""
    numbers = {place: str(number) for number, place in enumerate(places())}
    parts = {"expand": ("_expand_conv", "_bn0"), "depthwise": ("_depthwise_conv", "_bn1")}
    parts["project"] = ("_project_conv", "_bn2")
    named = {}
    for name, value in encoder.state_dict().items():
        words = name.split(".")
        if words[0] == "stem":
            named[f"{('_conv_stem', '_bn0')[int(words[1])]}.{words[2]}"] = value
        else:
            number = numbers[int(words[1]), int(words[2])]
            named[f"_blocks.{number}.{parts[words[3]][int(words[4])]}.{words[5]}"] = value
    beyond = {"_blocks.11._expand_conv.weight": torch.ones(672, 112, 1, 1), "_fc.bias": torch.ones(1000)}
    return named | beyond


def places() -> list[tuple[int, int]]:
    return [(stage, block) for stage, blocks in enumerate((1, 2, 2, 3, 3)) for block in range(blocks)]
