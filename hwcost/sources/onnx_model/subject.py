"""An ONNX file as a module to trace, and its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hwcost.errors import HwcostError, ModelError
from hwcost.sources.onnx_model.inputs import given
from hwcost.sources.onnx_model.parse import Parser
from hwcost.sources.onnx_model.program import Program, graphs_of
from hwcost.sources.onnx_model.reading import MEND, model_of
from hwcost.sources.subject import Subject

FAILURES: Final = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError)


def subject(path: str, *, seq_len: int | None, batch: int | None, settings: Mapping[str, object]) -> Subject:
    """The graph of an ONNX file as a module on meta, and inputs of its declared shapes.

    The payload of weights is not read, and no file beside this one is opened. seq_len, batch, settings:
    sizes that the file leaves open.

    Raises:
        ModelError: there is no such file, or it is truncated, cyclic, too large, or no ONNX model.
        UsageError: a size is given that the file does not leave open.
    """
    model = model_of(path)
    try:
        parser = Parser(model, path)
        graph, functions = parser.graph(), parser.functions()
        loops = frozenset(node.name for each in graphs_of(graph) for node in each.nodes if node.op == "Loop")
        found = given(graph, path, seq_len=seq_len, batch=batch, settings=settings, loops=loops)
        program = Program(graph, functions, path, found.sizes, found.rounds)
    except HwcostError as error:
        if error.where:
            raise
        raise type(error)(error.what, where=path, mend=error.mend) from error
    except FAILURES as error:
        text = " ".join(str(error).split())[:200]
        what = f"is no ONNX model that can be read: {type(error).__name__}: {text}"
        raise ModelError(what, where=path, mend=MEND) from error
    return Subject(
        module=program,
        inputs=found.inputs,
        name=Path(path).stem,
        seq_len=found.seq_len,
        batch=found.batch,
        assumptions=found.assumptions,
    )
