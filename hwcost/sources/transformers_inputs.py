"""Inputs for models of transformers, from what their configuration says that they take."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor

from hwcost.errors import ModelError

TOKENS: Final = 128
"""Tokens of a text where nothing says how many."""

IMAGE: Final = 224
"""Side of an image where the configuration does not say: what ImageNet models take."""

SAMPLES: Final = 16_000
"""Samples of raw sound where nothing says how many: a second at the rate of speech models."""

FRAMES: Final = 100
"""Frames of a spectrogram where nothing says how many: a second at steps of 10 ms."""

MEL_BINS: Final = 80


def inputs_of(model: Any, config: Any, *, seq_len: int | None, batch: int) -> dict[str, Tensor]:
    """Named inputs for a model: its main input, the decoder's, and the images of models of both.

    seq_len: tokens of a text (of the decoder's where the encoder takes none), else samples or frames.
    Ids are real, so that masks made from them are known; images and sound are on meta.

    Raises:
        ModelError: more tokens than the model has positions, a length for a model without a time axis, or
            a kind of input that is not known.
    """
    takes = inspect.signature(model.forward).parameters
    main = model.main_input_name
    if main not in takes and "input_ids" in takes:
        main = "input_ids"
    make = MAKERS.get(main)
    if make is None:
        raise ModelError(
            f"{type(model).__name__} takes {main!r}, for which no inputs are known",
            mend="give a callable that returns (module, inputs)",
        )
    inputs = {main: make(config, seq_len, batch)}
    if config.is_encoder_decoder and "decoder_input_ids" in takes:
        inputs["decoder_input_ids"] = token_ids(config, seq_len, batch)
    if main == "input_ids" and _reads_images_beside_text(config) and "pixel_values" in takes:
        inputs["pixel_values"] = image(config, None, batch)
    return inputs


def token_ids(config: Any, seq_len: int | None, batch: int) -> Tensor:
    """Ids [batch, tokens], of a token that means nothing special."""
    text = config.get_text_config()
    most = _first(text, "max_position_embeddings", "n_positions", "max_target_positions", "max_seq_len")
    if seq_len is not None and most is not None and seq_len > most:
        raise ModelError(
            f"takes at most {most} positions, not {seq_len}",
            where=config.model_type,
            mend=f"--seq-len {most}, or raise the limit with --set",
        )
    special: set[int] = set()
    for key, value in text.to_dict().items():
        if key.endswith("_token_id") and value is not None:
            special.update(value if isinstance(value, list) else [value])
    vocabulary = _first(text, "vocab_size") or len(special) + 1
    ordinary = next((token for token in range(vocabulary) if token not in special), 0)
    return torch.full((batch, seq_len or min(TOKENS, most or TOKENS)), ordinary)


def image(config: Any, seq_len: int | None, batch: int) -> Tensor:
    """Images [batch, channels, height, width], or films [batch, frames, channels, height, width]."""
    if seq_len is not None:
        raise ModelError("has no time axis", where=config.model_type, mend="leave the sequence length out")
    vision = getattr(config, "vision_config", None) or config
    channels = _first(vision, "num_channels", "in_channels", "in_chans") or 3
    size = getattr(vision, "image_size", None) or getattr(vision, "crop_size", None) or IMAGE
    height, width = (size, size) if isinstance(size, int) else tuple(size)[-2:]
    frames = _first(vision, "num_frames", "frames_per_clip")
    lead = (batch,) if frames is None else (batch, frames)
    return torch.empty(*lead, channels, height, width, device="meta")


def sound(config: Any, seq_len: int | None, batch: int) -> Tensor:
    """Raw sound [batch, samples], or with a channel; a spectrogram [batch, frames, bins] where asked."""
    if (bins := _first(config, "num_mel_bins")) and (most := _first(config, "max_length")):
        return torch.empty(batch, most, bins, device="meta")
    if channels := _first(config, "audio_channels"):
        return torch.empty(batch, channels, seq_len or SAMPLES, device="meta")
    return torch.empty(batch, seq_len or SAMPLES, device="meta")


def spectrogram(config: Any, seq_len: int | None, batch: int) -> Tensor:
    """Spectrogram [batch, bins, frames] of fixed length for Whisper's kind, else [batch, frames, bins]."""
    part = getattr(config, "audio_config", None) or getattr(config, "encoder_config", None) or config
    bins, most = _first(part, "num_mel_bins"), _first(part, "max_source_positions")
    if bins and most and not hasattr(part, "num_conv_layers"):
        return torch.empty(batch, bins, 2 * most, device="meta")
    per_frame = _first(part, "feature_projection_input_dim", "input_feat_per_channel", "num_mel_bins")
    return torch.empty(batch, seq_len or FRAMES, per_frame or MEL_BINS, device="meta")


MAKERS: Final[dict[str, Callable[[Any, int | None, int], Tensor]]] = {
    "input_ids": token_ids,
    "pixel_values": image,
    "pixel_values_videos": image,
    "input_values": sound,
    "input_features": spectrogram,
}
"""How each kind of main input is made."""


def _reads_images_beside_text(config: Any) -> bool:
    """Whether text and image have towers of their own; where images are tokens, text alone will do."""
    parts = set(type(config).sub_configs)
    is_spliced = any("image_token" in key for key in config.to_dict())
    return {"text_config", "vision_config"} <= parts and not is_spliced


def _first(config: Any, *names: str) -> int | None:
    """The first of these fields that holds a whole number."""
    values = (getattr(config, name, None) for name in names)
    return next((value for value in values if isinstance(value, int) and value > 0), None)
