"""An ONNX file from disk to a message without payload."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hwcost.errors import ModelError
from hwcost.sources.onnx_model.skim import skimmed

if TYPE_CHECKING:
    import onnx

GRAPH_BYTES: Final = 2**28
"""A file that is larger than this without its weights is refused (one of ten thousand nodes has 2**22)."""

DOMAINS: Final = ("", "ai.onnx")
"""Names of the operator set of the standard."""

MEND: Final = "export the model again"


def model_of(path: str) -> onnx.ModelProto:
    """The message of a file, without the payload of its large weights. Files beside it are not opened.

    Raises:
        ModelError: there is no such file, or it is truncated, too large, or no ONNX model of a known
            version; or the package onnx is not installed.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise ModelError(
            "needs the package onnx to be read", where=path, mend="pip install 'hwcost[onnx]'"
        ) from error
    content = _content(path)
    if len(content) > GRAPH_BYTES:
        what = f"its graph has {len(content):,} bytes without weights, more than {GRAPH_BYTES:,}"
        raise ModelError(what, where=path, mend="export a part of the model")
    try:
        model: onnx.ModelProto = onnx.ModelProto.FromString(content)
    except (DecodeError, ValueError, RecursionError) as error:
        raise ModelError(f"is truncated or no ONNX file: {error}", where=path, mend=MEND) from error
    _require_model(model, path)
    return model


def _content(path: str) -> bytes:
    file = Path(path)
    try:
        if not file.exists():
            raise ModelError("there is no such file", where=path, mend="check the path")
        if not file.is_file():
            raise ModelError("is no file", where=path, mend="name a file that ends in .onnx")
        if not file.stat().st_size:
            raise ModelError("is empty", where=path, mend=MEND)
        with file.open("rb") as opened:
            mapped = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        return skimmed(memoryview(mapped))
    except OSError as error:
        raise ModelError(error.strerror or str(error), where=path, mend="check the file") from error
    except ValueError as error:
        raise ModelError(f"is truncated or no ONNX file: {error}", where=path, mend=MEND) from error


def _require_model(model: onnx.ModelProto, path: str) -> None:
    """Refuse what is no model, and operator sets that are not known."""
    from onnx.defs import onnx_opset_version

    if not model.HasField("graph") or not model.opset_import:
        raise ModelError("is no ONNX model: it has no graph or no operator set", where=path, mend=MEND)
    for imported in [entry for owner in (model, *model.functions) for entry in owner.opset_import]:
        known = onnx_opset_version()
        if imported.domain in DOMAINS and not 1 <= imported.version <= known:
            raise ModelError(
                f"is written for operator set {imported.version}, the installed onnx knows 1 to {known}",
                where=path,
                mend=f"pip install -U onnx, or export with opset_version={known}",
            )
