"""A trace as a versioned JSON file: no weights, no code, nothing that needs torch to read."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

from hwcost.errors import HwcostError, TraceFileError
from hwcost.graph import Attribute, Loop, Op, Part, Role, Storage, Tensor, Trace, Tree
from hwcost.units import dtype_name

SCHEMA: Final = "hwcost.trace/1"
LARGEST_FILE_BYTES: Final = 2**29
ROLES: Final = get_args(Role)
PARTS: Final = get_args(Part)


def to_json(trace: Trace) -> str:
    """The trace as one JSON object; storages and tensors are tables that ops point into."""
    storages: dict[Storage, int] = {}
    tensors: dict[Tensor, int] = {}

    def tensor(value: Tensor) -> int:
        storages.setdefault(value.storage, len(storages))
        return tensors.setdefault(value, len(tensors))

    def item(value: Op | Loop[Op]) -> dict[str, Any]:
        if isinstance(value, Loop):
            return {"times": value.times, "axis": value.axis, "body": [item(part) for part in value.body]}
        return {
            "op": value.name,
            "module": value.module,
            "inputs": [tensor(part) for part in value.inputs],
            "outputs": [tensor(part) for part in value.outputs],
            "attributes": dict(value.attributes),
            "pointwise": value.is_pointwise,
        } | ({} if value.part == "forward" else {"part": value.part})

    items = [item(part) for part in trace.items]
    return json.dumps(
        {
            "schema": SCHEMA,
            "model": trace.model,
            "parameters": trace.parameters,
            "weight_bytes": trace.weight_bytes,
            "dtype": trace.dtype,
            "seq_len": trace.seq_len,
            "batch": trace.batch,
            "order": trace.order,
            "prompt": trace.prompt,
            "assumptions": trace.assumptions,
            "made_by": dict(trace.made_by),
            "storages": [[s.id, s.elements, s.dtype, s.role, s.name] for s in storages],
            "tensors": [
                [storages[t.storage], t.shape, t.strides, t.dtype, t.offset, t.advance] for t in tensors
            ],
            "items": items,
        },
        separators=(",", ":"),
        allow_nan=False,
    )


def from_json(text: str, *, where: str = "") -> Trace:
    """Read what `to_json` wrote.

    Raises:
        TraceFileError: not JSON, not a trace, of another version, or inconsistent.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TraceFileError(
            f"not a saved trace ({error})", where=where, mend="save it with `hwcost trace`"
        ) from None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, dict) else type(data).__name__
        raise TraceFileError(
            f"not a trace of schema {SCHEMA} (found {found!r})",
            where=where,
            mend="trace the model again with this version",
        )
    try:
        return _trace(data)
    except (
        KeyError,
        TypeError,
        ValueError,
        IndexError,
        AttributeError,
        RecursionError,
        HwcostError,
    ) as error:
        raise TraceFileError(
            f"the trace is damaged ({type(error).__name__}: {error})", where=where, mend="save it again"
        ) from None


def _trace(data: Mapping[str, Any]) -> Trace:
    storages = [
        Storage(
            id=str(id_), elements=_count(elements), dtype=dtype_name(dtype), role=_role(role), name=str(name)
        )
        for id_, elements, dtype, role, name in data["storages"]
    ]
    tensors = [_tensor(storages, *row) for row in data["tensors"]]

    def items(values: list[Any]) -> Tree[Op]:
        return tuple(
            Loop(times=_count(value["times"]), axis=str(value["axis"]), body=items(value["body"]))
            if "times" in value
            else Op(
                name=str(value["op"]),
                module=str(value["module"]),
                inputs=tuple(tensors[_count(index)] for index in value["inputs"]),
                outputs=tuple(tensors[_count(index)] for index in value["outputs"]),
                attributes={str(key): _attribute(entry) for key, entry in value["attributes"].items()},
                is_pointwise=bool(value["pointwise"]),
                part=_part(value.get("part", "forward")),
            )
            for value in values
        )

    return Trace(
        model=str(data["model"]),
        parameters=_count(data["parameters"]),
        weight_bytes=_count(data["weight_bytes"]),
        dtype=dtype_name(data["dtype"]),
        seq_len=None if data["seq_len"] is None else _count(data["seq_len"]),
        batch=None if data["batch"] is None else _count(data["batch"]),
        assumptions=tuple(map(str, data["assumptions"])),
        made_by={str(key): str(value) for key, value in data["made_by"].items()},
        order=str(data.get("order", "offline")),
        prompt=None if data.get("prompt") is None else _count(data["prompt"]),
        items=items(data["items"]),
    )


def _tensor(
    storages: list[Storage], storage: Any, shape: Any, strides: Any, dtype: Any, offset: Any, advance: Any
) -> Tensor:
    if len(shape) != len(strides):
        raise ValueError(f"a tensor of {len(shape)} dimensions has {len(strides)} strides")
    return Tensor(
        storage=storages[_count(storage)],
        shape=tuple(map(_count, shape)),
        strides=tuple(map(_whole, strides)),
        dtype=dtype_name(dtype),
        offset=_whole(offset),
        advance=tuple(map(_whole, advance)),
    )


def _role(word: Any) -> Role:
    if word not in ROLES:
        raise ValueError(f"{word!r} is no role")
    return word  # type: ignore[no-any-return]


def _part(word: Any) -> Part:
    if word not in PARTS:
        raise ValueError(f"{word!r} is no part of a training iteration")
    return word  # type: ignore[no-any-return]


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{value!r} is no whole number")
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is not a count")
    return value


def _attribute(value: Any) -> Attribute:
    return tuple(_attribute(item) for item in value) if isinstance(value, list) else value


def write(trace: Trace, path: str | Path) -> None:
    """Write a trace whole or not at all.

    Raises:
        TraceFileError: the folder is missing or cannot be written.
    """
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(to_json(trace))
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise TraceFileError(
            f"cannot write ({error.strerror})", where=str(target), mend="choose another path"
        ) from None


def read(path: str | Path) -> Trace:
    """Read a saved trace.

    Raises:
        TraceFileError: missing, too large, unreadable or damaged.
    """
    source = Path(path)
    try:
        if source.stat().st_size > LARGEST_FILE_BYTES:
            raise TraceFileError(
                f"larger than {LARGEST_FILE_BYTES >> 20} MiB",
                where=str(source),
                mend="this is no saved trace",
            )
        text = source.read_text(encoding="utf-8")
    except OSError as error:
        raise TraceFileError(
            f"cannot read ({error.strerror})", where=str(source), mend="check the path"
        ) from None
    except UnicodeDecodeError:
        raise TraceFileError("not text", where=str(source), mend="this is no saved trace") from None
    return from_json(text, where=str(source))
