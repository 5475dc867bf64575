"""A network as an ONNX file: traced, checked against PyTorch, described, and written in one step.

The scans are loops of the graph (``ops.graph``; docs/decisions/onnx-scan.md).
"""

import json
import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from terramamba._version import __version__
from terramamba.core.errors import InputError
from terramamba.core.files import StrPath, plain
from terramamba.core.progress import Advance, progress
from terramamba.export.network import TileNetwork
from terramamba.ops import prefer
from terramamba.raster.output.staging import check_outputs, write_output

if TYPE_CHECKING:
    from onnx import ModelProto

EXTRA = "terramamba[onnx]"
WITHIN = 1e-4
"""How far probabilities may be from PyTorch's."""
INPUT, OUTPUT, BATCH = "values", "probabilities", "batch"


@dataclass(frozen=True)
class WrittenOnnx:
    """What was written."""

    path: Path
    size: int
    """Bytes."""
    input: tuple[int, int, int]
    """Channels, rows and columns of a tile."""
    classes: tuple[str, ...]
    difference: float | None
    """Largest difference from PyTorch; None: onnxruntime is not there to try it."""


def check_output(out: StrPath, *, overwrite: bool) -> Path:
    """Return the path to write; raises ``InputError`` where it cannot be, or what writes it is not there."""
    path = Path(out)
    missing = [name for name in ("onnx", "onnxscript") if find_spec(name) is None]
    if missing:
        raise InputError(f"--out {path}: needs {' and '.join(missing)}; pip install '{EXTRA}'")
    if path.suffix.lower() != ".onnx":
        raise InputError(f"--out {path}: is an ONNX file; give a name that ends in .onnx")
    check_outputs([path], overwrite=overwrite)
    return path


def write_onnx(
    path: Path,
    given: TileNetwork,
    *,
    deepness: bool,
    pixel_size: float | None = None,
    overwrite: bool = False,
) -> WrittenOnnx:
    """Write ``given`` to ``path``.

    Raises:
        InputError: PyTorch cannot trace the network, onnxruntime computes something else than PyTorch, or the
            file is there by now.
    """
    network = given.network.float().cpu().eval()
    with progress(f"writing the graph of tiles of {given.tile} pixels", 3, "steps") as advance:
        model = _named(_traced(network, given, advance))
        content = _described(model, given, deepness, pixel_size).SerializeToString(deterministic=True)
        difference = _difference(content, network, given)
        advance(1)
    if difference is not None and not difference <= WITHIN:
        raise InputError(
            f"{path}: onnxruntime is {difference:.2g} from PyTorch, more than {WITHIN:g}; nothing was written"
        )
    write_output(path, content, overwrite=overwrite)
    return WrittenOnnx(
        path, len(content), (given.channels, given.tile, given.tile), tuple(given.classes), difference
    )


def _described(
    model: "ModelProto", given: TileNetwork, deepness: bool, pixel_size: float | None
) -> "ModelProto":
    model.producer_name, model.producer_version = "terramamba", __version__
    entries = {"terramamba": json.dumps(plain(dict(given.facts)), ensure_ascii=False)}
    for key, value in (entries | (_deepness(given, pixel_size) if deepness else {})).items():
        model.metadata_props.add(key=key, value=value)
    return model


def _traced(network: torch.nn.Module, given: TileNetwork, advance: Advance) -> "ModelProto":
    with torch.no_grad(), prefer("graph"), _quiet():
        graph = torch.export.export(
            network, (given.values,), dynamic_shapes=({0: torch.export.Dim(BATCH)},), strict=False
        )
        advance(1)
        program = torch.onnx.export(graph, dynamo=True, verbose=False)
        advance(1)
    assert program is not None
    return program.model_proto


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out PyTorch's remarks on packages that it would also export, and its own deprecations."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _named(model: "ModelProto") -> "ModelProto":
    """Name input, output and the axis of tiles; leave out where in whose files each operation was made."""
    graph = model.graph
    renamed = {graph.input[0].name: INPUT, graph.output[0].name: OUTPUT}
    for value in (graph.input[0], graph.output[0]):
        value.name = renamed[value.name]
        value.type.tensor_type.shape.dim[0].dim_param = BATCH
    _strip(graph, renamed)
    for function in model.functions:
        for node in function.node:
            _strip_node(node, {})
    return model


def _strip(graph: Any, renamed: dict[str, str]) -> None:
    del graph.value_info[:]
    del graph.metadata_props[:]
    for node in graph.node:
        _strip_node(node, renamed)


def _strip_node(node: Any, renamed: dict[str, str]) -> None:
    node.doc_string = ""
    del node.metadata_props[:]
    for names in (node.input, node.output):
        names[:] = [renamed.get(name, name) for name in names]
    for attribute in node.attribute:
        if attribute.HasField("g"):
            _strip(attribute.g, renamed)


def _deepness(given: TileNetwork, pixel_size: float | None) -> dict[str, str]:
    """Metadata by the keys that Deepness 0.6 and geodeep 0.9 read; each value is JSON."""
    said: dict[str, Any] = {
        "model_type": "Segmentor",
        "class_names": {str(index): name for index, name in enumerate(given.classes)},
        "tile_size": given.tile,
        "tiles_overlap": math.ceil(100 * given.overlap / given.tile),
        "seg_thresh": 0.0,
        "seg_small_segment": 0,
    }
    if pixel_size is not None:
        said["resolution"] = 100 * pixel_size  # centimetres
    return {key: json.dumps(value, ensure_ascii=False) for key, value in said.items()}


def _difference(content: bytes, network: torch.nn.Module, given: TileNetwork) -> float | None:
    if find_spec("onnxruntime") is None:
        return None
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        # Another number of tiles than the traced one.
        tile = given.values[:1]
        expected = network(tile).numpy()
    (found,) = session.run(None, {INPUT: tile.numpy()})
    return float(abs(found - expected).max())
