"""What a report says of a generation: the prompt, the tokens behind it, and what is kept between them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hwcost.graph import PROMPT, Loop, Trace, bytes_of, leaves
from hwcost.report.costs import Cost
from hwcost.report.stream import STREAM
from hwcost.report.sums import Steps, Sum, sum_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A prompt of `prompt` steps and the `tokens` that are generated of each of `batch` sequences.

    prefill: the prompt, whose last step gives the first token, and what runs once before it. decode: the
    steps behind it, which give the other tokens; None where there is one token. steps: the first of these,
    one in the middle, and the last. cache_bytes: by how much keys and values grow per token of a sequence.
    """

    prompt: int
    tokens: int
    batch: int
    prefill: Sum
    decode: Sum | None
    steps: Steps | None
    cache_bytes: int

    @property
    def first_token_s(self) -> float:
        """Time to the first token."""
        return self.prefill.expected_s

    @property
    def token_s(self) -> float | None:
        """Mean time of a step behind the prompt, from one token of a sequence to its next."""
        return None if self.decode is None else self.decode.expected_s / (self.tokens - 1)

    @property
    def token_bytes(self) -> float | None:
        """Bytes per token of the decode across the farthest level."""
        return self._mean(None if self.decode is None else self.decode.bytes)

    @property
    def token_j(self) -> float | None:
        """Energy per token of the decode; None where the profile has no figures."""
        return self._mean(None if self.decode is None else self.decode.energy_j)

    @property
    def tokens_per_s(self) -> float | None:
        """Tokens of all sequences per second behind the prompt: batch / token_s."""
        return self.batch / self.token_s if self.token_s else None

    @property
    def roofline_tokens_per_s(self) -> float | None:
        """What no run exceeds: tokens behind the prompt over the decode's time at the roofline."""
        if self.decode is None or not self.decode.roofline_s:
            return None
        return self.batch * (self.tokens - 1) / self.decode.roofline_s

    def _mean(self, whole: float | None) -> float | None:
        return None if whole is None else whole / (self.tokens - 1) / self.batch


def generation_of(trace: Trace, costs: Iterable[Cost], steps: Steps | None) -> Generation | None:
    """The generation that a trace is of; None for any other."""
    if trace.prompt is None:
        return None
    costs = tuple(costs)
    behind = sum(item.times for item in trace.items if isinstance(item, Loop) and item.axis in STREAM)
    batch = trace.batch or 1
    return Generation(
        prompt=trace.prompt,
        tokens=behind + 1,
        batch=batch,
        prefill=sum_of(cost for cost in costs if cost.traffic.axis not in STREAM),
        decode=sum_of(cost for cost in costs if cost.traffic.axis in STREAM) if behind else None,
        steps=steps,
        cache_bytes=_grown_bytes(trace) // batch,
    )


def _grown_bytes(trace: Trace) -> int:
    """Bytes by which what is kept grows per step: as far as writes to it move on from step to step."""
    loops = [item for item in trace.items if isinstance(item, Loop) and item.axis in (PROMPT, *STREAM)]
    is_alone = len(loops) == 1  # a single token: the one round is as many steps as the sequence has
    moved = {
        tensor.storage: abs(tensor.advance[0])
        for loop in loops
        if is_alone or loop.axis in STREAM
        for op, _ in leaves(loop.body)
        for tensor in op.outputs
        if tensor.role == "state" and tensor.advance
    }
    steps = (trace.seq_len or 1) if is_alone else 1
    return sum(bytes_of(elements, storage.dtype) for storage, elements in moved.items()) // steps


def generation_dict(generation: Generation) -> dict[str, object]:
    """The same as plain values of JSON."""
    decode, steps = generation.decode, generation.steps
    parts = (steps.first, steps.steady, steps.last) if steps and decode else (None, None, None)
    names = ("first_s", "middle_s", "last_s")
    return {
        "prompt": generation.prompt,
        "tokens": generation.tokens,
        "prefill": _part(generation.prefill),
        "decode": None
        if decode is None
        else _part(decode)
        | {
            "token_s": generation.token_s,
            **{
                name: None if part is None else part.expected_s
                for name, part in zip(names, parts, strict=True)
            },
            "token_bytes": None if generation.token_bytes is None else round(generation.token_bytes),
            "token_j": generation.token_j,
            "tokens_per_s": generation.tokens_per_s,
            "roofline_tokens_per_s": generation.roofline_tokens_per_s,
        },
        "cache_bytes_per_token": generation.cache_bytes,
    }


def _part(total: Sum) -> dict[str, object]:
    return {
        "macs": total.macs,
        "flops": total.flops,
        "bytes": round(total.bytes),
        "intensity": total.intensity,
        "expected_s": total.expected_s,
        "roofline_s": total.roofline_s,
        "energy_j": total.energy_j,
        "bound": total.bound,
    }
