"""The published measurements that ship with the package, as cases."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hwcost.graph import Trace
from hwcost.validation import operator_tables, traces
from hwcost.validation.card import Card, Row
from hwcost.validation.members import FITTED, MEMBERS
from hwcost.validation.operator_tables import FITTED_OPERATORS, OPERATOR_CARDS
from hwcost.validation.result import Case

CARDS: Final[Mapping[str, Card]] = {
    "v100_fp32": Card(title="V100 fp32", device="v100_sxm2", dtype="float32", result_dtype="float32"),
    "v100_mixed": Card(title="V100 mixed", device="v100_sxm2", dtype="float16", result_dtype="float16"),
    "titan_xp": Card(title="Titan Xp fp32", device="titan_xp", dtype="float32", result_dtype="float32"),
    "m40": Card(title="M40 fp32", device="m40", dtype="float32", result_dtype="float32"),
    "rpi3": Card(title="Raspberry Pi 3 int8", device="rpi3b", dtype="int8", result_dtype="int32"),
    **MEMBERS,
    **OPERATOR_CARDS,
}

MICROSECOND: Final = 1e-6

DEEPBENCH: Final = ("v100_fp32", "v100_mixed", "titan_xp", "m40", "rpi3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A table of measured times. title: in words. files: of the folder data. trace: of a row on a card.

    fitted: the cards of whose rows every second one is fitted.
    """

    title: str
    files: tuple[str, ...]
    trace: Callable[[Row, Card], Trace]
    fitted: tuple[str, ...] = DEEPBENCH


def _product(row: Row, card: Card) -> Trace:
    m, n, k = (int(row[key]) for key in ("m", "n", "k"))
    return traces.product(m, n, k, a=row["a"], b=row["b"], dtype=card.dtype, c_dtype=card.result_dtype)


def _convolution(row: Row, card: Card) -> Trace:
    def pair(name: str) -> tuple[int, int]:
        return int(row[f"{name}height"]), int(row[f"{name}width"])

    return traces.convolution(
        int(row["batch"]),
        int(row["channels"]),
        int(row["filters"]),
        pair(""),
        pair("filter_"),
        pair("pad_"),
        pair("stride_"),
        card.dtype,
    )


def _recurrence(row: Row, card: Card) -> Trace:
    hidden, batch, steps = (int(row[key]) for key in ("hidden", "batch", "steps"))
    return traces.recurrence(row["cell"], hidden, batch, steps, card.dtype)


DATASETS: Final[Mapping[str, Dataset]] = {
    "deepbench_gemm": Dataset(
        title="DeepBench, dense products",
        files=("deepbench_gemm.csv", "deepbench_gemm_arm.csv"),
        trace=_product,
    ),
    "deepbench_conv": Dataset(
        title="DeepBench, convolutions forward", files=("deepbench_conv.csv",), trace=_convolution
    ),
    "deepbench_rnn": Dataset(
        title="DeepBench, recurrent layers forward", files=("deepbench_rnn.csv",), trace=_recurrence
    ),
    "members_gemm": Dataset(
        title="Products on other members of the families",
        files=("openai_gemm.csv", "torch_gemm.csv", "square_gemm.csv", "linear_gemm.csv"),
        trace=_product,
        fitted=FITTED,
    ),
    "members_conv": Dataset(
        title="Convolutions on other members", files=("members_conv.csv",), trace=_convolution
    ),
    "members_rnn": Dataset(
        title="Recurrent layers on other members", files=("members_rnn.csv",), trace=_recurrence
    ),
    "members_networks": Dataset(
        title="Networks for images on other members",
        files=("networks.csv",),
        trace=operator_tables.torch_network,
    ),
    "attention": Dataset(
        title="FlashAttention-2, forward",
        files=("attention.csv",),
        trace=operator_tables.attention,
        fitted=FITTED_OPERATORS,
    ),
    "depthwise": Dataset(
        title="Depthwise convolutions, PyTorch",
        files=("depthwise.csv",),
        trace=operator_tables.depthwise,
        fitted=FITTED_OPERATORS,
    ),
    "networks_ncnn": Dataset(
        title="Networks on Arm, ncnn",
        files=("networks_ncnn.csv",),
        trace=operator_tables.fused_network,
        fitted=FITTED_OPERATORS,
    ),
    "networks_mxnet": Dataset(
        title="Networks on x86, MXNet",
        files=("networks_mxnet.csv",),
        trace=operator_tables.eager_network,
        fitted=FITTED_OPERATORS,
    ),
}


def cases(name: str) -> Iterator[Case]:
    """The cases of a dataset, card by card.

    Of each fitted card's rows every second one, the first left out, is fitted; all others are held out.
    """
    dataset = DATASETS[name]
    for file in dataset.files:
        rows = table(file)
        for column in (key for key in rows[0] if key in CARDS):
            card = CARDS[column]
            measured = [row for row in rows if row[column]]
            for index, row in enumerate(measured):
                yield Case(
                    dataset=name,
                    card=card.title,
                    device=card.device,
                    trace=dataset.trace(row, card),
                    measured=float(row[column]) * MICROSECOND,
                    is_fitted=column in dataset.fitted and index % 2 == 1,
                )


def table(file: str) -> list[Row]:
    """The rows of a table that ships with the package; lines that begin with # are its citation."""
    with (Path(__file__).parent / "data" / file).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(line for line in stream if not line.startswith("#")))
