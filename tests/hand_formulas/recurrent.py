"""Recurrent layers and cells.

Per step and batch element of a layer, g gates (RNN 1, GRU 3, LSTM 4): g * H * (I + H).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence

from .case import Case, Written, case, x


def lstm() -> Case:
    """T 7, N 2, I 5, H 3: 7*2 * 4*3*(5+3) = 1344."""
    return case(nn.LSTM(5, 3), x(7, 2, 5), macs=1344)


def lstm_without_bias() -> Case:
    """Biases are no multiply-accumulates: 1344 as above."""
    return case(nn.LSTM(5, 3, bias=False), x(7, 2, 5), macs=1344)


def lstm_of_three_layers() -> Case:
    """7*2 * (4*3*(5+3) + 2 * 4*3*(3+3)) = 14 * 240."""
    return case(nn.LSTM(5, 3, num_layers=3), x(7, 2, 5), macs=14 * 240)


def lstm_in_both_directions() -> Case:
    """The second layer reads 2H = 6: 7*2 * 2*(4*3*(5+3) + 4*3*(6+3)) = 14 * 2 * 204."""
    model = nn.LSTM(5, 3, num_layers=2, bidirectional=True)
    return case(model, x(7, 2, 5), macs=14 * 2 * 204)


def lstm_batch_first_unless_told() -> Case:
    """[N, T, I] = [2, 7, 5]: the same 1344."""
    return case(nn.LSTM(5, 3, batch_first=True), x(2, 7, 5), macs=1344)


def lstm_without_batch() -> Case:
    """T 7 alone: 7 * 4*3*(5+3) = 672."""
    return case(nn.LSTM(5, 3), x(7, 5), macs=672)


def lstm_with_given_states() -> Case:
    """The states change where h starts, not the work: 1344."""
    return case(nn.LSTM(5, 3), x(7, 2, 5), (x(1, 2, 3), x(1, 2, 3)), macs=1344)


def lstm_with_projection() -> Case:
    """R 2: 14 * (4*3*(5+2) + 3*2) = 14 * 90; the second layer reads R: 14 * (4*3*(2+2) + 6) = 14 * 54."""
    return case(nn.LSTM(5, 3, num_layers=2, proj_size=2), x(7, 2, 5), macs=14 * (90 + 54))


def lstm_with_projection_in_both_directions() -> Case:
    """R 2, the second layer reads 2R = 4: 14 * 2 * (90 + 4*3*(4+2) + 6) = 14 * 2 * 168."""
    model = nn.LSTM(5, 3, num_layers=2, proj_size=2, bidirectional=True)
    return case(model, x(7, 2, 5), macs=14 * 2 * 168)


def lstm_of_packed_sequences() -> Case:
    """Lengths 7, 4, 2 are 13 steps in all: 13 * 96."""

    def forward(self: Written, padded: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        packed = pack_padded_sequence(padded, lengths, enforce_sorted=False)
        return pad_packed_sequence(self.lstm(packed)[0])[0]

    return case(Written(forward, lstm=nn.LSTM(5, 3)), x(7, 3, 5), torch.tensor([4, 7, 2]), macs=13 * 96)


def gru_of_packed_sequences_in_both_directions() -> Case:
    """Lengths 4, 3, 1 are 8 steps: 8 * 2 * 3*3*(5+3) = 8 * 2 * 72."""
    packed = pack_sequence([x(4, 5), x(3, 5), x(1, 5)])
    return case(nn.GRU(5, 3, bidirectional=True), packed, macs=8 * 2 * 72)


def gru() -> Case:
    """7*2 * 3*3*(5+3) = 14 * 72."""
    return case(nn.GRU(5, 3), x(7, 2, 5), macs=14 * 72)


def gru_of_two_layers_batch_first_with_state() -> Case:
    """14 * (3*3*(5+3) + 3*3*(3+3)) = 14 * 126."""
    model = nn.GRU(5, 3, num_layers=2, batch_first=True)
    return case(model, x(2, 7, 5), x(2, 2, 3), macs=14 * 126)


def gru_without_batch_in_both_directions() -> Case:
    """7 * 2 * 72."""
    return case(nn.GRU(5, 3, bidirectional=True), x(7, 5), macs=7 * 2 * 72)


def rnn_tanh() -> Case:
    """7*2 * 3*(5+3) = 14 * 24."""
    return case(nn.RNN(5, 3), x(7, 2, 5), macs=14 * 24)


def rnn_relu_in_both_directions() -> Case:
    """Two layers, the second over 6: 14 * 2 * (3*(5+3) + 3*(6+3)) = 14 * 2 * 51."""
    model = nn.RNN(5, 3, num_layers=2, nonlinearity="relu", bidirectional=True)
    return case(model, x(7, 2, 5), macs=14 * 2 * 51)


def rnn_of_one_step() -> Case:
    """T 1, N 1: 3*(5+3)."""
    return case(nn.RNN(5, 3), x(1, 1, 5), macs=24)


def _steps(self: Written, sequence: torch.Tensor) -> torch.Tensor:
    state = None
    for step in sequence:
        state = self.cell(step, state)
    return state


def lstm_cell_in_a_loop() -> Case:
    """As the layer: 7*2 * 96."""
    return case(Written(_steps, cell=nn.LSTMCell(5, 3)), x(7, 2, 5), macs=1344)


def gru_cell_in_a_loop() -> Case:
    """As the layer: 14 * 72."""
    return case(Written(_steps, cell=nn.GRUCell(5, 3)), x(7, 2, 5), macs=14 * 72)


def rnn_cell_in_a_loop_without_batch() -> Case:
    """7 * 24."""
    return case(Written(_steps, cell=nn.RNNCell(5, 3, nonlinearity="relu")), x(7, 5), macs=7 * 24)


def stacked_cells_in_a_loop() -> Case:
    """Two LSTM cells per step: 14 * (4*3*(5+3) + 4*3*(3+3)) = 14 * 168."""

    def forward(self: Written, sequence: torch.Tensor) -> torch.Tensor:
        low = high = None
        outputs = []
        for step in sequence:
            low = self.low(step, low)
            high = self.high(low[0], high)
            outputs.append(high[0])
        return torch.stack(outputs)

    model = Written(forward, low=nn.LSTMCell(5, 3), high=nn.LSTMCell(3, 3))
    return case(model, x(7, 2, 5), macs=14 * 168)


def own_lstm_cell() -> Case:
    """Written with one linear layer over [x, h], 8 -> 12: 14 * 8*12."""

    def forward(self: Written, sequence: torch.Tensor) -> torch.Tensor:
        h = c = sequence.new_zeros(2, 3)
        for step in sequence:
            i, f, g, o = self.gates(torch.cat([step, h], 1)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return h

    return case(Written(forward, gates=nn.Linear(8, 12)), x(7, 2, 5), macs=1344)


def own_minimal_gated_unit() -> Case:
    """Forget gate and candidate, each 8 -> 3: 14 * 2 * 8*3."""

    def forward(self: Written, sequence: torch.Tensor) -> torch.Tensor:
        h = sequence.new_zeros(2, 3)
        for step in sequence.unbind(0):
            f = torch.sigmoid(torch.cat([step, h], 1) @ self.wf)
            candidate = torch.tanh(torch.cat([step, f * h], 1) @ self.wh)
            h = h + f * (candidate - h)
        return h

    return case(Written(forward, wf=x(8, 3), wh=x(8, 3)), x(7, 2, 5), macs=14 * 2 * 24)


def both_directions_by_hand() -> Case:
    """One LSTM forwards, one over the flipped sequence: 2 * 1344."""

    def forward(self: Written, sequence: torch.Tensor) -> torch.Tensor:
        backwards = self.back(sequence.flip(0))[0].flip(0)
        return torch.cat([self.ahead(sequence)[0], backwards], -1)

    return case(Written(forward, ahead=nn.LSTM(5, 3), back=nn.LSTM(5, 3)), x(7, 2, 5), macs=2688)


def decoder_that_feeds_itself() -> Case:
    """Six rounds of GRU cell (3 -> 3) and linear 3 -> 3 at N 2: 6*2 * (3*3*(3+3) + 3*3) = 12 * 63."""

    def forward(self: Written, state: torch.Tensor) -> torch.Tensor:
        token, tokens = torch.zeros_like(state), []
        for _ in range(6):
            state = self.cell(token, state)
            token = self.out(state)
            tokens.append(token)
        return torch.stack(tokens)

    return case(Written(forward, cell=nn.GRUCell(3, 3), out=nn.Linear(3, 3)), x(2, 3), macs=12 * 63)


def sequence_to_sequence() -> Case:
    """Encoder GRU over 7 steps, decoder GRU over 4 from its state: (7 + 4) * 2 * 72."""

    def forward(self: Written, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return self.decoder(target, self.encoder(source)[1])[0]

    model = Written(forward, encoder=nn.GRU(5, 3), decoder=nn.GRU(5, 3))
    return case(model, x(7, 2, 5), x(4, 2, 5), macs=22 * 72)


def one_lstm_called_three_times() -> Case:
    """Shared weights, three passes over I = H = 3: 3 * 14 * 4*3*(3+3) = 3 * 14 * 72."""

    def forward(self: Written, sequence: torch.Tensor) -> torch.Tensor:
        for _ in range(3):
            sequence, _ = self.lstm(sequence)
        return sequence

    return case(Written(forward, lstm=nn.LSTM(3, 3)), x(7, 2, 3), macs=3 * 14 * 72)
