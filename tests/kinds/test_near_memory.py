"""Units beside the banks of a memory: bandwidth inside, and a host between them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from chips import linear
from hypothesis import given
from hypothesis import strategies as st
from processors import device, level, number, unit

import hwcost
from hwcost.devices import load_device
from hwcost.devices.arrays import NearMemory, Network
from hwcost.devices.device import Device
from hwcost.graph import Work
from hwcost.kinds.near_memory import machine, move, price, resident
from hwcost.memory.reuse import reuse
from hwcost.report import Cost

HOST = Network(bytes_per_s=number(1e9), energy_j_per_byte=number(1e-10))


def banks(rate: float = 1e10) -> Device:
    """Units of 10 GOP/s on 10 GB/s of banks, behind a link of 1 GB/s."""
    made = device(
        level("mram", 1e9, rate, rate, energy=1e-11),
        kind="near_memory",
        units=(unit("scalar", {"int8": 10e9}, special=1e9),),
        energy={"int8": 1e-12},
    )
    return replace(made, near_memory=NearMemory(proof="silicon", units=number(64), host=HOST))


def cost_of(work: Work, on: Device) -> Cost:
    (cost,) = price(move(reuse((work,)), on), on)
    return cost


def test_a_product_with_one_vector_by_hand() -> None:
    # 512 x 1024 weights in the banks; 512 inputs and 1024 results of one byte by way of the host.
    cost = cost_of(linear("a", 1, 512, 1024), banks())
    host, mram = cost.traffic.crossings
    assert (host.level, host.read_bytes, host.write_bytes) == ("host", 512, 1024)
    assert mram.read_bytes >= 512 * 1024
    assert cost.compute_s == pytest.approx(2 * 512 * 1024 / 10e9)
    assert cost.level_s["host"] == pytest.approx(1536 / 1e9)
    assert cost.expected_s == pytest.approx(max(cost.compute_s, mram.bytes / 1e10) + 1536e-9)
    banks_j = mram.bytes * 1e-11 + 2 * 512 * 1024 * 1e-12
    assert cost.energy_j == pytest.approx(banks_j + 1536 * 1e-10)


def test_weights_stay_in_their_banks() -> None:
    costs = (cost_of(linear("a", 1, 512, 1024), banks()),)
    assert resident(costs, banks()) == 1.0
    assert resident(costs, replace(banks(), levels=(level("mram", 2**18, 1e10, 1e10),))) == 0.5


def test_facts() -> None:
    facts = machine(banks(), "int8")
    assert [slope.level for slope in facts.slopes] == ["host", "mram"]
    assert facts.proof == "silicon"
    assert any("No crossbars" in note for note in facts.notes)


@given(rate=st.floats(1e8, 1e12), more=st.floats(1, 100))
def test_faster_banks_are_never_slower(rate: float, more: float) -> None:
    work = linear("a", 3, 100, 200)
    assert cost_of(work, banks(rate * more)).expected_s <= cost_of(work, banks(rate)).expected_s


def test_hbm_pim_is_balanced_for_products_with_one_vector() -> None:
    # 1.2 TFLOP/s over 1.2 TB/s: 1 FLOP per byte, what a product with one vector of float16 needs.
    found = load_device("hbm_pim")
    assert found.units[0].peak_flop_per_s["float16"] / found.levels[-1].peak_bytes_per_s == pytest.approx(
        1, rel=0.05
    )
    report = hwcost.analyze("lstm", device="hbm_pim", dtype="float16", seq_len=20, order="streaming")
    step = report.steps.steady
    assert step.compute_s == pytest.approx(step.level_s["hbm"], rel=0.2)


def test_upmem_is_bound_by_arithmetic() -> None:
    # 2 * 4 * 2048^2 operations per step at 150 GOP/s take 224 us, and the same bytes at 1.6 TB/s 10 us.
    wide = {"hidden_size": 2048}
    report = hwcost.analyze("lstm", device="upmem", dtype="int8", seq_len=20, settings=wide)
    assert report.bound == "compute"
    step = report.steps.steady
    assert step.compute_s > 5 * step.level_s["mram"]
