"""Programs of torch.export (`program.pt2`): their graph is read as data, and nothing is unpickled.

`torch.export.load` unpickles sample inputs, constants and some weights, and evaluates the symbolic sizes
as Python; either can run code that a file brings along. Here the JSON of the graph is read instead.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, Final

import torch

from hwcost.errors import ModelError
from hwcost.sources.exported_arguments import dtype_of, number
from hwcost.sources.exported_program import Program
from hwcost.sources.subject import Subject

GRAPHS: Final = ("models/model.json", "serialized_exported_program.json")
"""Where an archive has its graph: since torch 2.8, and before."""

GRAPH_BYTES: Final = 2**28
"""A graph that is larger than this is refused (one of ten thousand ops has 2**24)."""

VALUE_BYTES: Final = 2**23
"""Buffers and constants up to this size are read for their values: masks and positions."""

MEND: Final = "export the model again with torch.export.save"


def subject(path: str) -> Subject:
    """The graph of an exported program as a module on meta, and the inputs that it was exported for.

    Weights are not read. Small buffers and constants are, from their raw bytes, since a model may index
    with them. Sizes that were left open are those of the example inputs.

    Raises:
        ModelError: there is no such file, it is truncated or no exported program, or it has parts that
            cannot be replayed: ops of other libraries, control flow, objects of C++ classes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            graph_module = _graph_module(archive, path)
            values = _values(archive, graph_module["signature"]["input_specs"])
        program = Program.read(graph_module, values, where=path)
        inputs = program.example_inputs(graph_module)
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelError(_why_unreadable(error), where=path, mend=MEND) from error
    except (
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        ValueError,
        RecursionError,
        RuntimeError,
    ) as error:
        what = f"is no exported program that can be read: {type(error).__name__}: {error}"
        raise ModelError(what[:300], where=path, mend=MEND) from error
    return Subject(module=program, inputs=inputs, name=Path(path).stem)


def _why_unreadable(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, zipfile.BadZipFile):
        return "is no exported program, or is truncated"
    return str(error)


def _graph_module(archive: zipfile.ZipFile, path: str) -> dict[str, Any]:
    """The graph with its signature, as plain values."""
    found = [entry for entry in archive.infolist() if entry.filename.endswith(GRAPHS)]
    if not found:
        raise ModelError("is an archive without the graph of an exported program", where=path, mend=MEND)
    if len(found) > 1:
        raise ModelError(f"holds {len(found)} programs", where=path, mend="save one program per file")
    if found[0].file_size > GRAPH_BYTES:
        raise ModelError(
            f"its graph has {found[0].file_size:,} bytes", where=path, mend="export a part of it"
        )
    graph_module: dict[str, Any] = json.loads(archive.read(found[0]))["graph_module"]
    return graph_module


def _values(archive: zipfile.ZipFile, specs: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Values of small buffers and constants, by their names, where they lie as raw bytes."""
    weights = {spec["parameter"]["parameter_name"] for spec in specs if "parameter" in spec}
    values: dict[str, torch.Tensor] = {}
    for entry in archive.infolist():
        if not entry.filename.endswith(("weights_config.json", "constants_config.json")):
            continue
        if entry.file_size > GRAPH_BYTES:
            continue
        folder = entry.filename.rpartition("/")[0]
        for name, payload in json.loads(archive.read(entry))["config"].items():
            if name not in weights and not payload.get("use_pickle") and payload.get("tensor_meta"):
                values |= _value(archive, name, f"{folder}/{payload['path_name']}", payload["tensor_meta"])
    return values


def _value(
    archive: zipfile.ZipFile, name: str, path: str, meta: Mapping[str, Any]
) -> dict[str, torch.Tensor]:
    """{name: tensor} from raw bytes; {} where they are many, or not as many as the tensor needs."""
    if archive.getinfo(path).file_size > VALUE_BYTES:
        return {}
    content, dtype = bytearray(archive.read(path)), dtype_of(meta["dtype"])
    shape = [number(size) for size in meta["sizes"]]
    if not content or len(content) != prod(shape) * dtype.itemsize:
        return {}
    return {name: torch.frombuffer(content, dtype=dtype).reshape(shape)}
