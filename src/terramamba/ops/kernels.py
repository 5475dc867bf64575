"""The kernels that are registered with PyTorch, by the name of their backend."""

from terramamba.ops import native, triton
from terramamba.ops.operator import (
    Convolution,
    Exponentials,
    Scan,
    register_convolution,
    register_exponentials,
    register_scan,
)

SCANS: dict[str, Scan] = {
    "native": register_scan("native_scan", native.forward, native.backward, native.saved_shape, "cpu"),
    "triton": register_scan("triton_scan", triton.forward, triton.backward, triton.saved_shape, "cuda"),
}
"""Selective scans, of sequences or along paths through maps: see ``operator``."""

CONVOLUTIONS: dict[str, Convolution] = {
    "native": register_convolution(
        "native_convolution", native.convolution_forward, native.convolution_backward, "cpu"
    ),
    "triton": register_convolution(
        "triton_convolution", triton.convolution_forward, triton.convolution_backward, "cuda"
    ),
}
"""Causal convolutions of x (b, l, d) with a kernel k (d, l)."""

native_exponentials: Exponentials = register_exponentials(
    "native_exponentials", native.exponentials_forward, native.exponentials_backward, "cpu"
)
"""The kernel of a scan whose parameters are constant, as sums of exponentials."""
