"""The same model gives the same trace, wherever it lives and in whatever mode it is."""

import copy

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import hwcost
from hwcost.graph import Trace, leaves
from hwcost.rules.count import count


def macs(trace: Trace) -> int:
    return sum(work.macs * calls for work, calls in leaves(count(trace.items)))


def flops(trace: Trace) -> int:
    return sum(work.flops * calls for work, calls in leaves(count(trace.items)))


class Tagger(nn.Module):
    """Embedding, LSTM over packed sequences, attention, convolution, dropout and normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, 16)
        self.lstm = nn.LSTM(16, 12, batch_first=True, bidirectional=True, dropout=0.3, num_layers=2)
        self.encoder = nn.TransformerEncoderLayer(24, 4, 32, batch_first=True, dropout=0.2)
        self.norm = nn.BatchNorm1d(24)
        self.conv = nn.Conv1d(24, 8, 3)

    def forward(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        packed = pack_padded_sequence(
            self.embedding(ids), lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        out, _ = self.lstm(packed)
        x, _ = pad_packed_sequence(out, batch_first=True, total_length=ids.shape[1])
        x = self.encoder(x)
        return self.conv(self.norm(x.transpose(1, 2)))


IDS = torch.randint(0, 50, (3, 7))
LENGTHS = torch.tensor([4, 7, 2])


def test_train_eval_and_meta_agree() -> None:
    model = Tagger()
    traces = [hwcost.trace(model.train(), IDS, LENGTHS), hwcost.trace(model.eval(), IDS, LENGTHS)]
    with torch.device("meta"):
        bare = Tagger()
    traces.append(hwcost.trace(bare, IDS, LENGTHS))
    traces.append(hwcost.trace(bare, IDS.to("meta"), LENGTHS))
    assert all(trace.items == traces[0].items for trace in traces[1:])
    assert all(trace.parameters == sum(p.numel() for p in model.parameters()) for trace in traces)


def test_fake_tensors_agree() -> None:
    model = nn.LSTM(8, 16, num_layers=2)
    x = torch.randn(5, 2, 8)
    expected = hwcost.trace(model, x)
    with FakeTensorMode() as mode:
        fake = nn.LSTM(8, 16, num_layers=2)
        fake_x = mode.from_tensor(x)
        inside = hwcost.trace(fake, fake_x)
    outside = hwcost.trace(fake, fake_x)
    assert inside.items == outside.items == expected.items


def test_the_module_is_left_as_it_was() -> None:
    model = Tagger().train()
    calls = []
    model.conv.register_forward_hook(lambda *_: calls.append(1))
    before = copy.deepcopy(model.state_dict())
    names = set(dir(model)) | set(model.lstm.__dict__)
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()]
    state = torch.random.get_rng_state()
    hwcost.trace(model, IDS, LENGTHS)
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(m.training for m in model.modules())
    assert names == set(dir(model)) | set(model.lstm.__dict__)
    assert hooks == [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()]
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert all(not p.is_meta for p in model.parameters())
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_layouts_of_recurrent_layers_agree(kind: type[nn.RNNBase], bidirectional: bool) -> None:
    options = {"input_size": 6, "hidden_size": 10, "num_layers": 2, "bidirectional": bidirectional}
    steps, gates = 9, {nn.LSTM: 4, nn.GRU: 3, nn.RNN: 1}[kind]
    directions = 2 if bidirectional else 1
    # per step: directions * gates * H * (I + H), the second layer reads directions * H
    per_step = directions * gates * 10 * ((6 + 10) + (directions * 10 + 10))
    first = hwcost.trace(kind(**options), torch.randn(steps, 4, 6))
    batch_first = hwcost.trace(kind(**options, batch_first=True), torch.randn(4, steps, 6))
    unbatched = hwcost.trace(kind(**options), torch.randn(steps, 6))
    packed = hwcost.trace(kind(**options), pack_padded_sequence(torch.randn(steps, 4, 6), [steps] * 4))
    assert macs(first) == macs(batch_first) == macs(packed) == 4 * steps * per_step
    assert flops(first) == flops(batch_first) == flops(packed)
    assert macs(unbatched) == steps * per_step


def test_packed_lengths_count_only_what_is_there() -> None:
    model = nn.LSTM(6, 10)
    packed = pack_padded_sequence(torch.randn(9, 3, 6), [9, 5, 2])
    assert macs(hwcost.trace(model, packed)) == (9 + 5 + 2) * 4 * 10 * (6 + 10)


def test_projection() -> None:
    model = nn.LSTM(6, 10, num_layers=2, proj_size=3)
    # layer 0: 4 * 10 * (6 + 3) + 10 * 3; layer 1: 4 * 10 * (3 + 3) + 10 * 3
    per_step = 4 * 10 * 9 + 30 + 4 * 10 * 6 + 30
    assert macs(hwcost.trace(model, torch.randn(5, 2, 6))) == 5 * 2 * per_step


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
def test_multihead_attention_in_every_mode(need_weights: bool, batch_first: bool) -> None:
    model = nn.MultiheadAttention(16, 4, batch_first=batch_first)
    x = torch.randn(2, 5, 16) if batch_first else torch.randn(5, 2, 16)
    # projections 4 * 16 * 16 per position, products 2 * 5 * 16 per position, 10 positions
    expected = 10 * (4 * 16 * 16 + 2 * 5 * 16)
    for module in (model.train(), model.eval()):
        assert macs(hwcost.trace(module, x, x, x, need_weights=need_weights)) == expected


def test_encoder_with_padding_mask_keeps_off_the_nested_path() -> None:
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), 2)
    mask = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    x = torch.randn(2, 5, 16)
    # per layer and position: 4 * 16 * 16 + 2 * 5 * 16 + 2 * 16 * 32
    expected = 2 * 10 * (4 * 256 + 160 + 2 * 512)
    for module in (encoder.train(), encoder.eval()):
        assert macs(hwcost.trace(module, x, src_key_padding_mask=mask)) == expected


def test_a_70_billion_parameter_model_gets_no_weights() -> None:
    with torch.device("meta"):
        model = nn.Sequential(*(nn.Linear(8192, 8192, bias=False) for _ in range(1000)))
    trace = hwcost.trace(model, torch.empty(1, 8192, device="meta"))
    assert trace.parameters == 1000 * 8192**2
    assert macs(trace) == trace.parameters
