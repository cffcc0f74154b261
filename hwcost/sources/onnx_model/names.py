"""Names of an ONNX file as names of modules, and as text that is safe to show."""

from __future__ import annotations

import re
from ast import literal_eval
from typing import TYPE_CHECKING, Final

from hwcost.errors import ModelError

if TYPE_CHECKING:
    import onnx

SCOPES: Final = "pkg.torch.onnx.name_scopes"
"""Where torch's exporter of exported programs writes the modules that a node lies in, itself last."""

LENGTH: Final = 200
"""Characters of a name that are shown."""


def cleaned(name: str | bytes) -> str:
    """A name without what a terminal would obey, of bounded length.

    Raises:
        ModelError: it is no text (protobuf gives bytes where they are no UTF-8).
    """
    if isinstance(name, bytes):
        raise ModelError("has a name that is no text", mend="export the model again")
    shown = "".join(letter if letter.isprintable() else "?" for letter in name[: LENGTH + 1])
    return shown if len(name) <= LENGTH else f"{shown[:LENGTH]}..."


def path_of(node: onnx.NodeProto) -> str:
    """The dotted path of the module that a node belongs to.

    "/encoder/layers.0/linear1/MatMul" belongs to encoder.layers.0.linear1; a node whose name has no
    slashes, and no scopes beside it, is a module of its own; one without name goes by its first output.
    """
    for entry in node.metadata_props:
        if entry.key == SCOPES and (scopes := _scopes(entry.value)) is not None:
            return _dotted(scopes[-2]) if len(scopes) > 1 else ""
    name = node.name or next((output for output in node.output if output), "")
    if "/" not in name:
        return _dotted(name)
    return _dotted(".".join(filter(None, name.split("/")[:-1])))


def _scopes(text: str) -> list[str] | None:
    """A list of strings as Python writes it, else None."""
    try:
        value = literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, list) and all(isinstance(item, str) for item in value) else None


def _dotted(name: str) -> str:
    words = re.sub(r"[^\w.-]", "_", name[:LENGTH]).split(".")
    return ".".join(filter(None, words))
