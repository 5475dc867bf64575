"""What a trained model looked at: attention and band importance of classifiers, activations of GLMamba."""

from terramamba.change.explain.explain import explain_change
from terramamba.landcover.explain.explain import explain_classes

__all__ = ["explain_change", "explain_classes"]
