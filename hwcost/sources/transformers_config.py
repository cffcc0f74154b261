"""Models of transformers by their configuration: built without weights, network, or code from elsewhere."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from difflib import get_close_matches
from logging import CRITICAL
from pathlib import Path
from typing import Any, Final

from hwcost.errors import HwcostError, ModelError
from hwcost.sources.subject import Subject
from hwcost.sources.words import value_of

PREFIX: Final = "hf:"

SILENT: Final = CRITICAL
"""The level of transformers' log at which it says nothing."""

CONFIG_BYTES: Final = 2**24
"""A configuration file that is larger than this is none (the largest published ones have 2**18)."""

NESTED: Final = "__"
"""`--set text_config__hidden_size=64` sets a field of a configuration inside a configuration."""

ATTENTION: Final = "attn_implementation"
"""The one setting that no configuration lists: "eager", "sdpa"."""


def subject(
    model: str,
    *,
    seq_len: int | None,
    batch: int | None,
    settings: Mapping[str, object],
    generates: bool = False,
) -> Subject:
    """A model of transformers from `hf:config.json`, `hf:FOLDER` or `hf:MODEL_TYPE`, and inputs for it.

    The class is the first of the configuration's `architectures`, else the one that AutoModel takes, or
    AutoModelForCausalLM where it `generates`.
    seq_len: tokens, or samples or frames of sound. settings: fields of the configuration.

    Raises:
        ModelError: transformers is not installed; no such type, file, field or class; a file that is no
            configuration; a model that cannot be built, or whose inputs are not known.
    """
    from hwcost.sources.transformers_inputs import inputs_of

    name = model.removeprefix(PREFIX)
    given, notes = _given(name)
    with _offline():
        config = _config(name, given, settings)
        kind = _class(name, config, generates=generates)
        built = _built(name, config, kind, str(settings.get(ATTENTION, "")))
        inputs = inputs_of(built, config, seq_len=seq_len, batch=batch or 1)
    chosen = (f"the class is {kind.__name__}",) if generates and not config.architectures else ()
    shapes = ", ".join(f"{key} {'x'.join(map(str, value.shape))}" for key, value in inputs.items())
    return Subject(
        module=built,
        inputs=(),
        keywords=inputs,
        name=_shown(name),
        seq_len=_tokens(inputs) or seq_len,
        batch=batch or 1,
        assumptions=(f"no inputs were given: taken as {shapes}", *chosen, *notes),
    )


def _tokens(inputs: Mapping[str, Any]) -> int | None:
    """Tokens of the sequence that a model reads, or that its decoder writes."""
    ids = inputs.get("input_ids", inputs.get("decoder_input_ids"))
    return None if ids is None else int(ids.shape[-1])


def _shown(name: str) -> str:
    path = Path(name)
    return path.parent.name or path.stem if path.suffix == ".json" else path.name


def _given(name: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The fields of a local configuration, and sentences on those that are left out.

    A model type gives the one field `model_type`.
    """
    path = Path(name)
    path = path / "config.json" if path.is_dir() else path
    if path.suffix != ".json" and not path.is_file():
        if "/" in name or "\\" in name:
            raise ModelError(
                "there is no such file or folder",
                where=f"{PREFIX}{name}",
                mend="nothing is fetched: give a local config.json, its folder, or a model type",
            )
        return {"model_type": name}, ()
    fields = _read(path)
    notes = []
    if fields.pop("auto_map", None):
        notes.append("the configuration names code of its own (auto_map), which is never run")
    if fields.pop("quantization_config", None):
        notes.append("quantization_config was left out: weights are taken as floating-point")
    return fields, tuple(notes)


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > CONFIG_BYTES:
            raise ModelError(
                f"has {path.stat().st_size:,} bytes", where=str(path), mend="give the config.json of a model"
            )
        fields = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(
            "there is no such file" if isinstance(error, FileNotFoundError) else str(error.strerror),
            where=str(path),
            mend="give a config.json, its folder, or a model type",
        ) from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"is no JSON: {error}", where=str(path), mend="download the file again") from error
    if not isinstance(fields, dict):
        raise ModelError("holds no JSON object", where=str(path), mend="give the config.json of a model")
    if not isinstance(fields.get("model_type"), str):
        raise ModelError(
            "names no model_type", where=str(path), mend="give the config.json of a model of transformers"
        )
    return fields


@contextmanager
def _offline() -> Iterator[None]:
    """Import transformers if it is there; no part of it may ask the network, or print, meanwhile.

    Where nobody imported it before us, it stays quiet for good: its models warn when they run, too.
    """
    before = os.environ.get("HF_HUB_OFFLINE")
    is_ours = "transformers" not in sys.modules
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        from huggingface_hub import constants
        from transformers.utils import logging
    except ImportError as error:
        raise ModelError(
            f"hf: models need transformers ({error})", mend="pip install 'hwcost[transformers]'"
        ) from error
    finally:
        _restore(before)
    was_offline, verbosity = constants.HF_HUB_OFFLINE, logging.get_verbosity()
    constants.HF_HUB_OFFLINE = True
    logging.set_verbosity(SILENT)
    verbosity = SILENT if is_ours else verbosity
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        constants.HF_HUB_OFFLINE = was_offline
        logging.set_verbosity(verbosity)


def _restore(offline: str | None) -> None:
    if offline is None:
        os.environ.pop("HF_HUB_OFFLINE", None)
    else:
        os.environ["HF_HUB_OFFLINE"] = offline


def _config(name: str, given: dict[str, Any], settings: Mapping[str, object]) -> Any:
    """The configuration, with the settings put in place of what it says itself."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    model_type = given["model_type"]
    types = list(CONFIG_MAPPING.keys())
    if model_type not in types:
        near = get_close_matches(model_type, types, n=1)
        raise ModelError(
            f"transformers knows no model type {model_type!r}",
            where=f"{PREFIX}{name}",
            mend=f"did you mean {near[0]!r}?" if near else "see AutoConfig for those that it knows",
        )
    kind = CONFIG_MAPPING[model_type]
    plain = _made(kind, given, name)
    fields = dict(given)
    for key, word in settings.items():
        if key != ATTENTION:
            _put(fields, plain, key.split(NESTED), value_of(word), where=f"{PREFIX}{name}")
    return _made(kind, fields, name)


def _made(kind: Any, fields: Mapping[str, Any], name: str) -> Any:
    chosen = {key: value for key, value in fields.items() if key != "model_type"}
    try:
        return kind.from_dict(chosen)
    except Exception as error:
        raise ModelError(
            f"the configuration does not fit: {_first_line(error)}", where=f"{PREFIX}{name}"
        ) from error


def _put(fields: dict[str, Any], plain: Any, keys: list[str], value: object, *, where: str) -> None:
    """Set a field of a configuration that has it already: `plain` is the configuration as it stands."""
    key, *inner = keys
    known = {*plain.to_dict(), *getattr(plain, "attribute_map", {})}
    if key not in known:
        near = get_close_matches(key, sorted(known), n=1)
        raise ModelError(
            f"{type(plain).__name__} has no field {key!r}",
            where=where,
            mend=f"did you mean {near[0]!r}?" if near else "see its documentation",
        )
    if key == "architectures" and isinstance(value, str):
        value = [value]
    if not inner:
        fields[plain.attribute_map.get(key, key)] = value
        return
    part = getattr(plain, key)
    if not hasattr(part, "to_dict"):
        raise ModelError(f"{key!r} holds no fields", where=where, mend=f"set {key} itself")
    nested = fields.get(key)
    fields[key] = dict(nested) if isinstance(nested, dict) else part.to_dict()
    _put(fields[key], part, inner, value, where=where)


def _built(name: str, config: Any, kind: Any, attention: str) -> Any:
    """The model on the meta device."""
    from hwcost.tracing.construct import built

    chosen = {ATTENTION: attention} if attention else {}
    try:
        with _uninitialised():
            return built(lambda: kind._from_config(config, **chosen)).eval()  # noqa: SLF001 the door that AutoModel takes
    except HwcostError:
        raise
    except Exception as error:
        what = f"{kind.__name__} cannot be built: {_first_line(error)}"
        raise ModelError(what, where=f"{PREFIX}{name}", mend="change the configuration with --set") from error


def _uninitialised() -> AbstractContextManager[None]:
    """Leave weights as they are made: on meta there is nothing to draw or to scale."""
    from importlib import import_module

    try:
        owner = import_module("transformers.initialization")
    except ImportError:  # before transformers 5
        owner = import_module("transformers.modeling_utils")
    skipping: AbstractContextManager[None] = owner.no_init_weights()
    return skipping


def _class(name: str, config: Any, *, generates: bool) -> Any:
    """The model class that the configuration names, else the one that AutoModel takes for it."""
    import transformers
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_MAPPING

    where = f"{PREFIX}{name}"
    if generates and (config.is_encoder_decoder or type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING):
        raise ModelError(
            f"{config.model_type!r} is no causal language model of transformers",
            where=where,
            mend="leave --prompt and --generate out",
        )
    for word in config.architectures or ():
        kind = getattr(transformers, word, None) if isinstance(word, str) else None
        if not (isinstance(kind, type) and issubclass(kind, transformers.PreTrainedModel)):
            raise ModelError(
                f"transformers has no model class {word!r}", where=where, mend="--set architectures=CLASS"
            )
        if not isinstance(config, kind.config_class or transformers.PreTrainedConfig):
            raise ModelError(
                f"{word} is no model of type {config.model_type!r}",
                where=where,
                mend="--set architectures=CLASS",
            )
        return kind
    if not generates and type(config) not in MODEL_MAPPING:
        raise ModelError(
            f"AutoModel has no class for {config.model_type!r}", where=where, mend="--set architectures=CLASS"
        )
    kind = (MODEL_FOR_CAUSAL_LM_MAPPING if generates else MODEL_MAPPING)[type(config)]
    return kind[0] if isinstance(kind, tuple) else kind


def _first_line(error: Exception) -> str:
    """An error in one line: its first, and the second where the first ends in a colon."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = " ".join(lines[: 2 if lines and lines[0].endswith(":") else 1])
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
