"""The published measurements that ship with the package, as cases."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hwcost.graph import Trace
from hwcost.validation import rows
from hwcost.validation.card import Card, Row
from hwcost.validation.cards import CARDS, DEEPBENCH, FITTED_MEMBERS, FITTED_OTHERS
from hwcost.validation.result import Case

MICROSECOND: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A table of measured times. title: in words. files: of the folder data. trace: of a row on a card.

    fitted: the cards of whose rows every second one is fitted. in_a_row: see `Case`.
    """

    title: str
    files: tuple[str, ...]
    trace: Callable[[Row, Card], Trace]
    fitted: tuple[str, ...] = DEEPBENCH
    in_a_row: bool = False


DATASETS: Final[Mapping[str, Dataset]] = {
    "deepbench_gemm": Dataset(
        title="DeepBench, dense products",
        files=("deepbench_gemm.csv", "deepbench_gemm_arm.csv"),
        trace=rows.product,
    ),
    "deepbench_conv": Dataset(
        title="DeepBench, convolutions forward", files=("deepbench_conv.csv",), trace=rows.convolution
    ),
    "deepbench_rnn": Dataset(
        title="DeepBench, recurrent layers forward", files=("deepbench_rnn.csv",), trace=rows.recurrence
    ),
    "members_gemm": Dataset(
        title="Products on other members of the families",
        files=("openai_gemm.csv", "torch_gemm.csv", "square_gemm.csv", "linear_gemm.csv"),
        trace=rows.product,
        fitted=FITTED_MEMBERS,
    ),
    "members_conv": Dataset(
        title="Convolutions on other members", files=("members_conv.csv",), trace=rows.convolution
    ),
    "members_rnn": Dataset(
        title="Recurrent layers on other members", files=("members_rnn.csv",), trace=rows.recurrence
    ),
    "members_networks": Dataset(
        title="Networks for images on other members",
        files=("networks.csv",),
        trace=rows.torch_network,
    ),
    "attention": Dataset(
        title="FlashAttention-2, forward",
        files=("attention.csv",),
        trace=rows.attention,
        fitted=FITTED_OTHERS,
    ),
    "depthwise": Dataset(
        title="Depthwise convolutions, PyTorch",
        files=("depthwise.csv",),
        trace=rows.depthwise,
        fitted=FITTED_OTHERS,
    ),
    "networks_ncnn": Dataset(
        title="Networks on Arm, ncnn",
        files=("networks_ncnn.csv",),
        trace=rows.fused_network,
        fitted=FITTED_OTHERS,
    ),
    "networks_mxnet": Dataset(
        title="Networks on x86, MXNet",
        files=("networks_mxnet.csv",),
        trace=rows.eager_network,
        fitted=FITTED_OTHERS,
    ),
    "torch_cpu": Dataset(
        title="Layers in eager torch on a calibrated CPU",
        files=("torch_cpu.csv",),
        trace=rows.layer,
        fitted=(),
        in_a_row=True,
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
                    in_a_row=dataset.in_a_row,
                )


def table(file: str) -> list[Row]:
    """The rows of a table that ships with the package; lines that begin with # are its citation."""
    with (Path(__file__).parent / "data" / file).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(line for line in stream if not line.startswith("#")))
