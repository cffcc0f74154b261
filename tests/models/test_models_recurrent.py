"""Recurrent ready-made models: sizes by hand, published sizes that need words, and steps by formula."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

import hwcost
from hwcost.errors import ModelError
from hwcost.graph import Loop, Trace
from hwcost.load import load_trace
from hwcost.models import build, card
from hwcost.models.gnmt import Decoder
from hwcost.models.memory_gate import GatedMemory
from hwcost.models.ntm import Memory
from hwcost.models.seq2seq_attention import AdditiveAttention

NAMES = (
    "awd_lstm",
    "bilstm",
    "captioning",
    "deepspeech2",
    "gnmt",
    "memory_gate",
    "ntm",
    "seq2seq_attention",
)

LOOPING = ("captioning", "gnmt", "ntm", "seq2seq_attention")
"""Models whose step is a Python loop."""


def parameters(name: str, **settings: object) -> int:
    model, _ = build(name, seq_len=1, batch=1, settings=settings)
    return sum(weight.numel() for weight in model.parameters())


@cache
def traced(name: str, seq_len: int, batch: int, settings: tuple[tuple[str, object], ...]) -> Trace:
    return load_trace(name, seq_len=seq_len, batch=batch, settings=dict(settings), use_cache=False)


def macs(name: str, seq_len: int, batch: int = 1, **settings: object) -> int:
    report = hwcost.analyze(traced(name, seq_len, batch, tuple(settings.items())), device="echo_arm")
    assert not report.assumed_ops
    return report.totals.macs


def macs_of_torch(name: str, seq_len: int, batch: int, **settings: object) -> int:
    model, inputs = build(name, seq_len=seq_len, batch=batch, settings=settings)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(*inputs)
    return counter.get_total_flops() // 2


def on_cpu(module: nn.Module) -> nn.Module:
    """The module with small random weights."""
    torch.manual_seed(0)
    module = module.to_empty(device="cpu").eval()
    for weight in (*module.parameters(), *module.buffers()):
        nn.init.uniform_(weight, -0.4, 0.4)
    return module


def test_parameters_by_hand() -> None:
    assert {name: card(name).parameters for name in NAMES} == {
        # 10,000 words of 400, tied; layers 4 * 1150 * (400 + 1150 + 2), 4 * 1150 * (2 * 1150 + 2),
        # 4 * 400 * (1150 + 400 + 2); a bias per word
        "awd_lstm": 4_000_000 + 7_139_200 + 10_589_200 + 2_483_200 + 10_000,
        # both ways 4 * 250 * (123 + 250 + 2), then twice 4 * 250 * (500 + 250 + 2); 62 * (500 + 1)
        "bilstm": 2 * 375_000 + 2 * 2 * 752_000 + 31_062,
        # VGG-19; words 10,000 * 512; start 512 * 513 + 2 * 1800 * 513; attention 512 * 513 of the key,
        # 512 * 1800 of the state, 512 * 513 of its second layer, 513 of the score, 1801 of the gate; cell
        # 4 * 1800 * (1024 + 1800 + 2); output 512 * 1801 + 512 * 513 + 10,000 * 513
        "captioning": 20_024_384
        + 5_120_000
        + (262_656 + 1_846_800)
        + (262_656 + 921_600 + 262_656 + 513 + 1_801)
        + 20_347_200
        + (922_112 + 262_656 + 5_130_000),
        # 32 * 41 * 11 + 64, 32 * 32 * 21 * 11 + 64; 161 bins are 81, then 41, by 32 channels are 1312; both
        # ways 3 * 1024 * (1312 + 1024 + 2), then twice 3 * 1024 * (2048 + 1024 + 2); 29 * (2048 + 1)
        "deepspeech2": 14_496 + 236_608 + 2 * 7_182_336 + 2 * 2 * 9_443_328 + 59_421,
        # 3 matrices of 32,000 * 1024 and 32,000 biases; 4096 * (1024 + 1024 + 2) both ways and in layers 3
        # to 8 of the encoder, 4096 * (2048 + 1024 + 2) in its layer 2 and 8 times in the decoder;
        # attention 2 * 1024^2 + 1024
        "gnmt": 3 * 32_768_000 + 32_000 + 8 * 8_396_800 + 9 * 12_591_104 + 2_098_176,
        # as `transformer_encoder`: queries, keys, values and output are the same matrices
        "memory_gate": 18_914_304,
        # 400 * (10 + 20 + 100 + 1) and initial states 200; heads 2 * (20 + 6) + 40 = 92 of 101; 9 * 101
        "ntm": 52_400 + 200 + 92 * 101 + 909,
        # two times 30,000 words of 620; both ways 3000 * (620 + 1000 + 2); start 1000 * 1001; attention
        # 1000 * (1000 + 2000 + 1); cell 3000 * (620 + 2000 + 1000 + 2); maxout 1000 * (3620 + 1);
        # output 30,000 * 501
        "seq2seq_attention": 2 * 18_600_000
        + 2 * 4_866_000
        + 1_001_000
        + 3_001_000
        + 10_866_000
        + 3_621_000
        + 15_030_000,
    }


@pytest.mark.parametrize("name", NAMES)
def test_parameters_of_the_file_are_those_of_the_model(name: str) -> None:
    assert card(name).parameters == parameters(name)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        *((name, {}) for name in NAMES),
        ("captioning", {"encoder": "vgg16", "attention_layers": 1}),
        ("deepspeech2", {"cell": "rnn", "convolutions": 3, "add_directions": True}),
        ("deepspeech2", {"cell": "lstm"}),
        ("memory_gate", {"kept": 0.5}),
        ("ntm", {"controller": "feedforward", "heads": 4}),
        ("ntm", {"heads": 0, "num_layers": 3}),
        ("ntm", {"heads": 5, "num_layers": 2, "shift_range": 2}),
    ],
)
def test_macs_agree_with_torch(name: str, settings: dict[str, object]) -> None:
    assert macs(name, 4, 2, **settings) == macs_of_torch(name, 4, 2, **settings)


def step(name: str, **settings: object) -> int:
    """MACs that the eleventh step adds to ten."""
    return macs(name, 11, **settings) - macs(name, 10, **settings)


def test_macs_of_a_step_by_hand() -> None:
    # 4 * (400 * 1150 + 1150^2 + 1150 * 2300 + 1150 * 400 + 400^2) and 400 * 10,000
    assert step("awd_lstm") == 4 * (1_782_500 + 2_645_000 + 620_000) + 4_000_000
    # 2 * 4 * 250 * (123 + 250), then twice 2 * 4 * 250 * (500 + 250), and 500 * 62
    assert step("bilstm") == 746_000 + 2 * 1_500_000 + 31_000
    # state 1800 * 512; 196 * (512^2 + 512 + 512); gate 1800; 4 * 1800 * (512 + 512 + 1800); 1800 * 512 +
    # 512^2 + 512 * 10,000
    attention = 921_600 + 196 * (262_144 + 1_024) + 1_800
    assert step("captioning") == attention + 20_332_800 + 921_600 + 262_144 + 5_120_000
    # controller 400 * (10 + 20 + 100); heads 92 * 100; by content 2 * 128 * 20; shift 2 * 128 * 3; read and
    # add 128 * 20 each; output 900
    assert step("ntm") == 52_000 + 9_200 + 5_120 + 768 + 2 * 2_560 + 900
    # without memory: 400 * (10 + 100) + 900
    assert step("ntm", heads=0) == 44_000 + 900
    # feed-forward: 100 * (10 + 20) instead of 52,000
    assert step("ntm", controller="feedforward") == step("ntm") - 49_000
    # two frames are a step: first convolution 32 * 451 * 81 bins, second 32 * 32 * 231 * 41; layers 6144 *
    # (1312 + 1024), twice 6144 * (2048 + 1024); output 2048 * 29
    recurrent = 14_352_384 + 2 * 18_874_368
    two_frames = macs("deepspeech2", 12) - macs("deepspeech2", 10)
    assert two_frames == 14_432 * 81 + 236_544 * 41 + recurrent + 59_392


def test_macs_of_translation_by_hand() -> None:
    """Per word of source and target, and per pair of them."""
    t = 10
    # encoder 6000 * 1620; keys 1000 * 2000; query 1000^2; cell 3000 * 3620; maxout 1000 * 3620; output
    # 500 * 30,000; a pair: score 1000, context 2000; once: start 1000^2
    word = 9_720_000 + 2_000_000 + 1_000_000 + 10_860_000 + 3_620_000 + 15_000_000
    assert macs("seq2seq_attention", t) == t * word + t * t * 3_000 + 1_000_000
    # encoder 8 of 4096 * 2048 and one of 4096 * 3072; decoder 8 of 4096 * 3072; key and query 2 * 1024^2;
    # output 1024 * 32,000; a pair: score 1024, context 1024
    word = 8 * 8_388_608 + 9 * 12_582_912 + 2_097_152 + 32_768_000
    assert macs("gnmt", t) == t * word + t * t * 2_048


def test_vocabulary_of_gnmt() -> None:
    """Shazeer et al. give 214 M multiply-adds and 278 M parameters: 31 K words, 32 K are 1 % more."""

    def fits(vocab_size: int) -> bool:
        work = macs("gnmt", 1, vocab_size=vocab_size)
        return abs(work - 214e6) <= 0.5e6 and abs(parameters("gnmt", vocab_size=vocab_size) - 278e6) <= 0.5e6

    assert [fits(size) for size in (30_800, 30_900, 31_200, 31_300)] == [False, True, True, False]
    assert parameters("gnmt") == 280_928_512  # published 278 M
    assert macs("gnmt", 1) == 215_220_224 + 2_048  # published 214 M


def test_wikitext_of_awd_lstm() -> None:
    # 400 * 33,278 and a bias each; the rest as on Penn Treebank. The 33 M that Merity et al. print (table 2;
    # not read in the source) is this cut off, not rounded
    assert parameters("awd_lstm", vocab_size=33_278) == 24_221_600 + 401 * 23_278 == 33_556_078


def test_sizes_of_deep_bidirectional_lstms() -> None:
    """Graves et al. 2013, table 1: 0.8, 2.3, 3.8, 6.8, 3.8 M (all but the third not read in the source)."""
    sizes = [parameters("bilstm", num_layers=layers) for layers in (1, 2, 3, 5)]
    sizes.append(parameters("bilstm", num_layers=1, hidden_size=622))
    assert [round(size / 1e6, 1) for size in sizes] == [0.8, 2.3, 3.8, 6.8, 3.8]


@pytest.mark.parametrize(
    ("name", "weights", "published", "has_classifier"),
    [("vgg16", 138_357_544, 15.3, False), ("vgg19", 143_667_240, 19.6, True)],
)
def test_encoder_of_captioning(name: str, weights: int, published: float, has_classifier: bool) -> None:
    """Parameters as torchvision has them; 15.3 and 19.6 billion multiply-adds, He et al. 2015.

    Their first figure is that of VGG-16's convolutions alone, the second that of the whole VGG-19.
    """
    model, (image, _) = build("captioning", seq_len=1, batch=1, settings={"encoder": name})
    encoder = model.get_submodule("encoder")
    # the three layers behind it: 25,088 * 4096 + 4096^2 + 4096 * 1000 products, and 9192 biases
    classifier = 102_760_448 + 16_777_216 + 4_096_000
    assert sum(weight.numel() for weight in encoder.parameters()) + classifier + 9_192 == weights
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        assert encoder(image).shape == (1, 512, 14, 14)
    counted = counter.get_total_flops() // 2 + has_classifier * classifier
    assert round(counted / 1e9, 1) == published


NTM_ROWS = [
    # task, controller, heads, width and layers, inputs and outputs, published, ours
    ("copy", "feedforward", 1, (100, 1), (10, 9), 17_162, 13_301),
    ("repeat copy", "feedforward", 1, (100, 1), (8, 7), 16_712, 12_899),
    ("associative recall", "feedforward", 4, (256, 1), (8, 6), 146_845, 118_902),
    ("N-grams", "feedforward", 1, (100, 1), (1, 1), 14_656, 11_593),
    ("copy", "lstm", 1, (100, 1), (10, 9), 67_561, 62_801),
    ("repeat copy", "lstm", 1, (100, 1), (8, 7), 66_111, 61_799),
    ("associative recall", "lstm", 1, (100, 1), (8, 6), 70_330, 61_698),
    ("N-grams", "lstm", 1, (100, 1), (1, 1), 61_749, 58_393),
    # without memory: exact
    ("copy", "lstm", 0, (256, 3), (10, 9), 1_352_969, 1_352_969),
    ("repeat copy", "lstm", 0, (512, 3), (8, 7), 5_312_007, 5_312_007),
    ("associative recall", "lstm", 0, (256, 3), (8, 6), 1_344_518, 1_344_518),
    ("N-grams", "lstm", 0, (128, 3), (1, 1), 331_905, 331_905),
]
"""Graves et al. 2014, tables 1 to 3, all but priority sort, of which no input size is known.

The sizes of input and output are those that make the LSTM rows exact. Of the rows with memory the paper
does not say what the heads, the output layer and the initial memory take in, nor how far a shift reaches:
ours is what its equations need at the least (shifts of -1, 0, 1), and is 5 to 23 % below its count.
"""


@pytest.mark.parametrize(("task", "controller", "heads", "size", "ends", "published", "ours"), NTM_ROWS)
def test_rows_of_the_turing_machine(
    task: str,
    controller: str,
    heads: int,
    size: tuple[int, int],
    ends: tuple[int, int],
    published: int,
    ours: int,
) -> None:
    counted = parameters(
        "ntm",
        controller=controller,
        heads=heads,
        hidden_size=size[0],
        num_layers=size[1],
        input_size=ends[0],
        output_size=ends[1],
    )
    assert counted == ours
    assert ours == published if not heads else 0.75 * published < ours < published


def test_seven_layers_of_deep_speech() -> None:
    """46.3 M, where the paper has 38 M (not read in it): its directions share W, torch's have one each."""
    settings = {"cell": "rnn", "hidden_size": 1280, "num_layers": 7, "add_directions": True}
    # both ways 1280 * (1312 + 1280 + 2), then 6 times 1280 * (2 * 1280 + 2); 29 * 1281
    layers = 2 * (3_320_320 + 6 * 3_279_360)
    assert parameters("deepspeech2", **settings) == 14_496 + 236_608 + layers + 37_149
    # a third convolution: 96 * 32 * 21 * 11 + 192; it leaves 21 bins, 1280 * 2 * (96 * 21 - 1312) more
    settings |= {"convolutions": 3}
    assert parameters("deepspeech2", **settings) == (14_496 + 236_608 + layers + 37_149 + 709_824 + 1_802_240)


@pytest.mark.parametrize("name", LOOPING)
def test_steps_become_one_loop(name: str) -> None:
    trace = traced(name, 100, 1, ())
    (loop,) = (item for item in trace.items if isinstance(item, Loop))
    assert (loop.axis, loop.times) == ("time", 100)
    assert len(trace.items) == len(traced(name, 30, 1, ()).items)


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(LOOPING)))
def test_layers_are_recorded_whole(name: str) -> None:
    assert len(traced(name, 3000, 1, ()).items) == len(traced(name, 30, 1, ()).items) < 200


@pytest.mark.parametrize(("kept", "seq_len"), [(1.0, 100), (0.25, 100), (0.3, 77), (0.001, 50)])
def test_cost_of_the_gate_by_share(kept: float, seq_len: int) -> None:
    m = {(1.0, 100): 100, (0.25, 100): 25, (0.3, 77): 24, (0.001, 50): 1}[kept, seq_len]
    d = 512
    # per layer: gate T * m * d, attention twice that; queries and output 2 * T * d^2, keys and values 2 * m *
    # d^2; feed-forward 2 * T * d * 2048
    layer = 3 * seq_len * m * d + 2 * (seq_len + m) * d * d + 2 * seq_len * d * 2048
    assert macs("memory_gate", seq_len, kept=kept) == 6 * layer


def test_the_gate_pays_below_two_thirds() -> None:
    def attention(name: str, **settings: object) -> int:
        """What a transformer with positions of any number, and no other products, would pay."""
        return macs(name, 3000, d_model=8, heads=1, d_ff=1, num_layers=1, **settings)

    full = attention("transformer_encoder")
    assert attention("memory_gate", kept=0.66) < full < attention("memory_gate", kept=0.67)


def test_gate_ignores_what_it_has_already() -> None:
    layer = on_cpu(GatedMemory(d_model=6, heads=2, kept=1.0, threshold=0.99))
    x = torch.eye(6)[[0, 1, 0, 2]].unsqueeze(0)
    with_copy = layer(x)
    # position 3 sees vectors 0, 1 and itself; the copy at 2 was not stored
    q = layer.query(x)[0, 3].view(2, 3)
    k, v = layer.key_value(x[0, [0, 1, 3]]).view(3, 2, 2, 3).unbind(1)
    weights = torch.softmax(torch.einsum("hd,khd->hk", q, k) / 3**0.5, -1)
    expected = layer.out_projection(torch.einsum("hk,khd->hd", weights, v).flatten())
    assert torch.allclose(with_copy[0, 3], expected, atol=1e-6)


def test_gate_sees_the_past_only() -> None:
    model, _ = build("memory_gate", seq_len=9, batch=1, settings={"d_model": 8, "heads": 2, "d_ff": 5})
    model = on_cpu(model)
    x = torch.randn(1, 9, 8)
    late = x.clone()
    late[:, 5] += 1
    changed = (model(late) != model(x)).any(-1)[0].nonzero().flatten()
    assert changed.min() == 5


def test_additive_attention_by_its_formula() -> None:
    attention = on_cpu(AdditiveAttention(state_size=3, memory_size=4, attention_size=5))
    state, memory = torch.randn(2, 3), torch.randn(2, 7, 4)
    context = attention(state, attention.key(memory), memory)
    w, u, v = attention.query.weight, attention.key.weight, attention.score.weight[0]
    for b in range(2):
        scores = torch.stack([v @ torch.tanh(w @ state[b] + u @ h) for h in memory[b]])
        assert torch.allclose(context[b], functional.softmax(scores, 0) @ memory[b], atol=1e-6)


def test_upper_layers_of_gnmt_may_run_after_the_loop() -> None:
    decoder = on_cpu(Decoder(vocab_size=11, hidden_size=6, num_layers=4))
    ids, memory = torch.randint(11, (5, 2)), torch.randn(2, 3, 6)
    states = [(torch.zeros(1, 2, 6), torch.zeros(1, 2, 6)) for _ in range(3)]
    lowest, context = (torch.zeros(2, 6), torch.zeros(2, 6)), torch.zeros(2, 6)
    steps = []
    for word in decoder.embedding(ids):
        lowest = decoder.cell(torch.cat((word, context), -1), lowest)
        x = lowest[0].unsqueeze(0)
        for number, layer in enumerate(decoder.layers):
            y, states[number] = layer(torch.cat((x, context.unsqueeze(0)), -1), states[number])
            x = x + y if number else y
        steps.append(x)
        context = decoder.attention(lowest[0], decoder.attention.key(memory), memory)
    assert torch.allclose(decoder(ids, memory), torch.cat(steps), atol=1e-6)


@pytest.mark.parametrize("shift_range", [0, 1, 2])
def test_heads_by_the_equations_of_the_paper(shift_range: int) -> None:
    heads = Memory(controller_size=5, heads=2, locations=7, width=3, shift_range=shift_range)
    heads = on_cpu(heads)
    controlled, memory = torch.randn(1, 5), torch.randn(1, 7, 3)
    before = torch.softmax(torch.randn(1, 4, 7), -1)
    after, weights, reads = heads(controlled, memory, before)
    taps = 2 * shift_range + 1
    for number, control in enumerate(heads.addressing(controlled)[0].view(4, -1)):
        key, (strength, gate), shift, sharpness = (
            control[:3],
            control[3:5],
            control[5 : 5 + taps],
            control[-1],
        )
        cosines = functional.cosine_similarity(key, memory[0], dim=-1)
        content = torch.softmax(functional.softplus(strength) * cosines, 0)
        mixed = torch.sigmoid(gate) * content + (1 - torch.sigmoid(gate)) * before[0, number]
        shift = torch.softmax(shift, 0)
        shifted = sum(
            (shift[j] * torch.roll(mixed, shift_range - j) for j in range(taps)), start=torch.zeros(7)
        )
        sharp = shifted ** (1 + functional.softplus(sharpness))
        assert torch.allclose(weights[0, number], sharp / sharp.sum(), atol=1e-4)
    assert torch.allclose(reads.view(2, 3), weights[0, :2] @ memory[0], atol=1e-6)
    expected = memory[0]
    additions = torch.zeros(7, 3)
    for w, controls in zip(weights[0, 2:], heads.writing(controlled)[0].view(2, -1), strict=True):
        expected = expected * (1 - torch.outer(w, torch.sigmoid(controls[:3])))
        additions += torch.outer(w, controls[3:])
    assert torch.allclose(after[0], expected + additions, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("captioning", {"encoder": "vgg11"}, "captioning: encoder is vgg11; it must be vgg16 or vgg19"),
        ("deepspeech2", {"cell": "qrnn"}, "deepspeech2: cell is qrnn; it must be one of gru, lstm, rnn"),
        ("deepspeech2", {"convolutions": 4}, "deepspeech2: convolutions is 4; it must be at most 3"),
        ("memory_gate", {"kept": 0.0}, "memory_gate: kept is 0; a memory that keeps nothing"),
        ("memory_gate", {"kept": 1.5}, "memory_gate: kept is 1.5; it must lie between 0 and 1"),
        ("memory_gate", {"heads": 7}, "memory_gate: heads is 7; it must divide d_model, which is 512"),
        ("ntm", {"controller": "gru"}, "ntm: controller is gru; it must be lstm or feedforward"),
        ("ntm", {"shift_range": 129}, "ntm: shift_range is 129; it must be at most 128"),
        ("ntm", {"heads": -1}, "ntm: heads is -1; it must be at least 0"),
        ("gnmt", {"num_layers": 0}, "gnmt: num_layers is 0; it must be at least 1"),
    ],
)
def test_refuses(name: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError) as caught:
        build(name, seq_len=None, batch=None, settings=settings)
    assert str(caught.value).startswith(message)
