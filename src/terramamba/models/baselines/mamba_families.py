"""The two families of Mamba classifiers that SSA-Mamba's paper argues against, made by its own switches.

Liao and Wang, IEEE JSTARS 19, 2026, doi 10.1109/JSTARS.2026.3654346. Everything but the switches is
SSA-Mamba's (sizes, recipe, head), so that a difference in score is theirs.

    coupled_mamba    one set of weights for space and spectrum: each block has a single branch, which is fused
                     with itself (``branches=coupled``, ``attention=none``)
    isolated_mamba   two branches that never ask each other anything before they are fused
                     (``branches=separate``, ``attention=none``)

The published members of the families (SpecSpatMamba, DualPathMamba) have other parts besides.
"""

from dataclasses import replace

from terramamba.models.spec import ModelSpec
from terramamba.models.ssa_variants import SPEC


def _with_switches(name: str, title: str, **switches: str) -> ModelSpec:
    presets = {preset: {**options, **switches} for preset, options in SPEC.presets.items()}
    return replace(SPEC, name=name, title=title, presets=presets, claims={})


COUPLED = _with_switches(
    "coupled_mamba",
    "SSA-Mamba with a single branch for space and spectrum",
    branches="coupled",
    attention="none",
)
ISOLATED = _with_switches(
    "isolated_mamba",
    "SSA-Mamba with two branches that do not ask each other",
    branches="separate",
    attention="none",
)
