"""Compile all Triton kernels for a GPU that need not be there: the interpreter takes what a compiler may not.

python tests/ops/triton_compile.py
"""

from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from terramamba.ops import triton_backward, triton_convolution, triton_forward

TARGET = GPUTarget("cuda", 80, 32)
SCANS = (triton_forward.chunk_states, triton_forward.outputs, triton_backward.gradients)
OTHERS = (triton_forward.carry_states, triton_convolution.convolve, triton_convolution.kernel_gradient)
SIZES = {"channels", "n", "length", "blocks", "chunks", "groups", "chunk_steps", "size", "sequences", "share"}
OWN_TYPES = {
    "path_index": "*i32",
    "saved_states": "*fp32",
    "states": "*fp32",
    "sums": "*fp32",
    "last": "*fp32",
}
TILE = {"EVERY": 4, "UNROLL": 2, "ROWS": 2, "N": 4, "LANES": 8, "BLOCK": 64}
TILE |= {"SEQUENCES": 2, "STEPS": 2, "LAGS": 4}
PLAIN = {"SOFTPLUS": False, "ZOH": False, "BACKWARD": False, "REVERSE": False}
PLAIN |= {
    "D": None,
    "bias": None,
    "entering": None,
    "path_index": None,
    "saved_states": None,
    "dstate": None,
    "first": None,
}
FULL = {"SOFTPLUS": True, "ZOH": True, "BACKWARD": True, "REVERSE": True}


def compile_for_gpu(kernel: Any, constants: dict[str, Any], inputs: str) -> None:
    """Compile with pointers to ``inputs``, except for what is constant; capital letters are constants too."""
    constants = {k: v for k, v in {**TILE, **constants}.items() if k in kernel.arg_names}
    signature = {name: "i32" if name in SIZES or "_" in name else f"*{inputs}" for name in kernel.arg_names}
    signature |= {k: v for k, v in OWN_TYPES.items() if k in signature}
    signature |= dict.fromkeys(constants, "constexpr")
    source = ASTSource(kernel, signature, constants)
    compiled = triton.compile(source, target=TARGET, options={"num_warps": 1})
    assert len(compiled.asm["cubin"]) > 0


if __name__ == "__main__":
    for kernel in SCANS:
        needed = {"entering", "saved_states"} if kernel is triton_backward.gradients else set()
        compile_for_gpu(kernel, {k: v for k, v in PLAIN.items() if k not in needed}, "fp32")
        compile_for_gpu(kernel, FULL, "bf16")
    for kernel in OTHERS:
        compile_for_gpu(kernel, FULL, "fp32")
        compile_for_gpu(kernel, PLAIN, "fp32")
