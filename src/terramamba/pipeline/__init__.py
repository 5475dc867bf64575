"""Training, scoring and mapping for any task: the one place that says in which order things come about.

What differs between jobs is asked of the task that the caller hands in.
"""

from terramamba.pipeline.maps import map, plan_map
from terramamba.pipeline.plans import plan_data, plan_training, resolved
from terramamba.pipeline.scoring import evaluate
from terramamba.pipeline.training import train

__all__ = ["evaluate", "map", "plan_data", "plan_map", "plan_training", "resolved", "train"]
