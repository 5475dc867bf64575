"""What a trained model looked at: attention and band importance of classifiers, activations of GLMamba."""

from terramamba.explain.change import explain_change
from terramamba.explain.classes import explain_classes

__all__ = ["explain_change", "explain_classes"]
