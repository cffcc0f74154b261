"""Traffic inside attention: by hand and by law."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.graph import Attention
from hwcost.memory.attention import (
    compulsory_elements,
    expected_elements,
    fused_elements,
    unfused_elements,
)


def test_fused_by_hand() -> None:
    one = Attention(heads=1, key_heads=1, n=1000, m=2000, d=64, dv=64)
    assert compulsory_elements(one) == 2 * 1000 * 64 + 2 * 2000 * 64
    # Br = floor(25600 / (4*64)) = 100: K and V pass 1000/100 = 10 times: 2nd + 2md*10
    assert fused_elements(one, 25600) == 2 * 1000 * 64 + 2 * 2000 * 64 * 10
    # one element less and Br = 99: 11 passes
    assert fused_elements(one, 25599) == 2 * 1000 * 64 + 2 * 2000 * 64 * 11
    # 10 keys: K and V and one query with its result fit 128*11 numbers; one number less, and the
    # 1000 queries go in blocks of floor(1407/256) = 5.
    short = Attention(heads=1, key_heads=1, n=1000, m=10, d=64, dv=64)
    assert fused_elements(short, 128 * 11) == compulsory_elements(short)
    assert fused_elements(short, 128 * 11 - 1) == 128 * (1000 + 10 * 200)


def test_decoding_counts_key_heads() -> None:
    # 32 query heads on 8 key heads, one query, 4096 keys of width 128:
    # Q and the result: 2*32*128; K and V: 2*8*4096*128. The query heads of a group go together.
    decode = Attention(heads=32, key_heads=8, n=1, m=4096, d=128, dv=128)
    assert expected_elements(decode, 4096) == 2 * 32 * 128 + 2 * 8 * 4096 * 128
    assert expected_elements(decode, 4096) == compulsory_elements(decode)


def test_unfused_by_hand() -> None:
    # All of it fits but the scores still go to memory: 4 * 8 * 8 elements beside Q, K, V and the result.
    small = Attention(heads=3, key_heads=3, n=8, m=8, d=4, dv=6)
    assert unfused_elements(small, 1e6) == compulsory_elements(small) + 3 * 4 * 64


heads = st.integers(1, 16)
length = st.integers(1, 4000)
width = st.integers(1, 256)
room = st.one_of(st.integers(0, 100), st.integers(100, 10**8))
attentions = st.builds(
    lambda groups, key_heads, n, m, d, dv: Attention(
        heads=groups * key_heads, key_heads=key_heads, n=n, m=m, d=d, dv=dv
    ),
    heads,
    heads,
    length,
    length,
    width,
    width,
)


@settings(deadline=None)
@given(attention=attentions, s=room)
def test_bracket(attention: Attention, s: int) -> None:
    expected = expected_elements(attention, s)
    assert compulsory_elements(attention) <= expected <= unfused_elements(attention, s)
    assert unfused_elements(attention, s) <= unfused_elements(attention, min(s, 128))


@settings(deadline=None)
@given(attention=attentions, s=room, more=room)
def test_more_room_never_moves_more(attention: Attention, s: int, more: int) -> None:
    for elements in (fused_elements, unfused_elements, expected_elements):
        assert elements(attention, s + more) <= elements(attention, s) * (1 + 1e-12)


@settings(deadline=None)
@given(attention=attentions)
def test_all_that_fits_is_compulsory(attention: Attention) -> None:
    compulsory = compulsory_elements(attention)
    assert expected_elements(attention, compulsory) == compulsory


@pytest.mark.parametrize("s", [0, 1, 2])
def test_tiny_rooms(s: int) -> None:
    attention = Attention(heads=2, key_heads=1, n=3, m=4, d=5, dv=5)
    # one query at a time: K and V pass 6 times
    assert fused_elements(attention, s) == 10 * (2 * 3 + 4 * 6)


def test_nothing_to_attend_to() -> None:
    assert expected_elements(Attention(heads=1, key_heads=1, n=4, m=0, d=8, dv=8), 64) == 64
    assert expected_elements(Attention(heads=1, key_heads=1, n=4, m=4, d=0, dv=0), 64) == 0
