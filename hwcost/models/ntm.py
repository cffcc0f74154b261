"""The Neural Turing Machine: a controller that reads and writes a memory of vectors through attention.

Its default is the copy task: an LSTM controller of 100, one read and one write head, 128 vectors of 20.
With heads=0 it is the LSTM that the paper compares with. Every step is one round of a Python loop, so that
making the trace takes time in proportion to seq_len; the trace itself does not grow.

As the paper's LSTM rows imply (they come out to the parameter), every layer of the controller reads the
input, the output layer reads every layer, initial states are learned, and a gate has one bias
(torch's second one stays a constant zero). The memory starts constant. For the rows with
memory the paper does not say enough: see the tests, which state both counts.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from hwcost.errors import ModelError
from hwcost.models.card import Published
from hwcost.models.settings import LAYERS_AT_MOST, at_least, at_most

CITATION: Final = "Graves, Wayne and Danihelka 2014, arXiv:1410.5401, copy task"

PARAMETERS: Final = 62_801


def _lstm_alone(task: str, *, inputs: int, outputs: int, width: int, parameters: int) -> Published:
    return Published(
        source=f"LSTM, {task}, Graves et al. 2014, arXiv:1410.5401 table 3",
        settings={
            "seq_len": 1,
            "heads": 0,
            "input_size": inputs,
            "output_size": outputs,
            "hidden_size": width,
            "num_layers": 3,
        },
        parameters=parameters,
    )


PUBLISHED: Final = (
    _lstm_alone("copy", inputs=10, outputs=9, width=256, parameters=1_352_969),
    _lstm_alone("repeat copy", inputs=8, outputs=7, width=512, parameters=5_312_007),
    _lstm_alone("associative recall", inputs=8, outputs=6, width=256, parameters=1_344_518),
    _lstm_alone("N-grams", inputs=1, outputs=1, width=128, parameters=331_905),
)

WIDTH: Final = "hidden_size"

REACH: Final = "'state' if heads or controller == 'lstm' else 1"

TINY: Final = 1e-6
"""The memory's first content, and what keeps a cosine from dividing by zero."""


class LstmController(nn.Module):
    """Layers of LSTM cells; each reads the input and the layer below it. Learned initial states."""

    def __init__(self, *, input_size: int, hidden_size: int, num_layers: int) -> None:
        super().__init__()
        self.cells = nn.ModuleList()
        for layer in range(num_layers):
            cell = nn.LSTMCell(input_size + (hidden_size if layer else 0), hidden_size)
            del cell.bias_hh
            cell.register_buffer("bias_hh", torch.zeros(4 * hidden_size))
            self.cells.append(cell)
        self.initial = nn.Parameter(torch.zeros(2 * num_layers, hidden_size))

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """The state and the cell of every layer, one after the other."""
        return tuple(self.initial[state].repeat(batch, 1) for state in range(self.initial.shape[0]))

    def forward(self, x: Tensor, states: tuple[Tensor, ...]) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """x[batch, input_size] -> what each layer puts out, and the states after it."""
        outputs: list[Tensor] = []
        after: list[Tensor] = []
        for layer, cell in enumerate(self.cells):
            below = torch.cat((x, outputs[-1]), -1) if outputs else x
            h, c = cell(below, (states[2 * layer], states[2 * layer + 1]))
            outputs.append(h)
            after += (h, c)
        return tuple(outputs), tuple(after)


class FeedforwardController(nn.Module):
    """Layers of y = tanh(W [x, y of the layer below]); they carry nothing from step to step."""

    def __init__(self, *, input_size: int, hidden_size: int, num_layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Linear(input_size + (hidden_size if layer else 0), hidden_size) for layer in range(num_layers)
        )

    def start(self, _batch: int) -> tuple[Tensor, ...]:
        """No state."""
        return ()

    def forward(self, x: Tensor, states: tuple[Tensor, ...]) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """x[batch, input_size] -> what each layer puts out, and no states."""
        outputs: list[Tensor] = []
        for layer in self.layers:
            below = torch.cat((x, outputs[-1]), -1) if outputs else x
            outputs.append(torch.tanh(layer(below)))
        return tuple(outputs), states


CONTROLLERS: Final[dict[str, type[LstmController] | type[FeedforwardController]]] = {
    "lstm": LstmController,
    "feedforward": FeedforwardController,
}


class Memory(nn.Module):
    """Read and write heads over memory[batch, locations, width] (Graves et al. 2014, section 3).

    A head's weighting is found by content, mixed with that of the step before, shifted by up to
    shift_range locations either way, and sharpened.
    """

    def __init__(
        self, *, controller_size: int, heads: int, locations: int, width: int, shift_range: int
    ) -> None:
        super().__init__()
        self.heads, self.locations, self.width = heads, locations, width
        self.shift_range = shift_range
        self.shifts = 2 * shift_range + 1
        self.addressing = nn.Linear(controller_size, 2 * heads * (width + self.shifts + 3))
        self.writing = nn.Linear(controller_size, heads * 2 * width)

    def start(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Memory, weightings[batch, 2 * heads, locations] and reads[batch, heads * width]."""
        batch = x.shape[0]
        return (
            x.new_full((batch, self.locations, self.width), TINY),
            x.new_full((batch, 2 * self.heads, self.locations), 1 / self.locations),
            x.new_zeros(batch, self.heads * self.width),
        )

    def forward(self, controlled: Tensor, memory: Tensor, before: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Memory, weightings and reads of the next step; the first half of the heads reads."""
        weights = self.weights(self.addressing(controlled), memory, before)
        readers, writers = weights.chunk(2, 1)
        reads = torch.bmm(readers, memory).flatten(1)
        erase, add = self.writing(controlled).unflatten(-1, (self.heads, -1)).chunk(2, -1)
        kept = 1 - writers.unsqueeze(-1) * torch.sigmoid(erase).unsqueeze(2)
        memory = memory * kept.prod(1) + torch.bmm(writers.transpose(1, 2), add)
        return memory, weights, reads

    def weights(self, controls: Tensor, memory: Tensor, before: Tensor) -> Tensor:
        """Weightings[batch, 2 * heads, locations] over the memory."""
        key, strength, gate, shift, sharpness = torch.split(
            controls.view(controls.shape[0], 2 * self.heads, -1), [self.width, 1, 1, self.shifts, 1], -1
        )
        lengths = key.norm(dim=-1, keepdim=True) * memory.norm(dim=-1).unsqueeze(1)
        cosines = torch.bmm(key, memory.transpose(1, 2)) / (lengths + TINY)
        by_content = torch.softmax(functional.softplus(strength) * cosines, -1)
        mixed = torch.lerp(before, by_content, torch.sigmoid(gate))
        r = self.shift_range
        ring = torch.cat((mixed[..., -r:], mixed, mixed[..., :r]), -1) if r else mixed
        windows = ring.unfold(-1, self.shifts, 1)
        shifted = (windows @ torch.softmax(shift, -1).unsqueeze(-1)).squeeze(-1)
        sharp = shifted ** (1 + functional.softplus(sharpness))
        return sharp / sharp.sum(-1, keepdim=True)


class TuringMachine(nn.Module):
    """x[seq_len, batch, input_size] -> y[seq_len, batch, output_size]."""

    def __init__(
        self, *, controller: LstmController | FeedforwardController, memory: Memory | None, output: nn.Linear
    ) -> None:
        super().__init__()
        self.controller, self.output = controller, output
        self.memory: Memory | None = memory

    def forward(self, x: Tensor) -> Tensor:
        """The output of the controller at every step."""
        controlled = self.alone(x) if self.memory is None else self.with_memory(x, self.memory)
        y: Tensor = self.output(torch.stack(controlled))
        return y

    def alone(self, x: Tensor) -> list[Tensor]:
        """What the controller's layers put out at each step, side by side."""
        states = self.controller.start(x.shape[1])
        controlled = []
        for step in x:
            outputs, states = self.controller(step, states)
            controlled.append(torch.cat(outputs, -1))
        return controlled

    def with_memory(self, x: Tensor, heads: Memory) -> list[Tensor]:
        """The same for a controller that also takes in what the heads read one step before."""
        states = self.controller.start(x.shape[1])
        memory, weights, reads = heads.start(x[0])
        controlled = []
        for step in x:
            outputs, states = self.controller(torch.cat((step, reads), -1), states)
            controlled.append(torch.cat(outputs, -1))
            memory, weights, reads = heads(controlled[-1], memory, weights)
        return controlled


def build(
    *,
    seq_len: int = 100,
    batch: int = 1,
    controller: str = "lstm",
    input_size: int = 10,
    output_size: int = 9,
    hidden_size: int = 100,
    num_layers: int = 1,
    heads: int = 1,
    locations: int = 128,
    width: int = 20,
    shift_range: int = 1,
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The machine on the meta device, and x[seq_len, batch, input_size].

    Args:
        seq_len: Time steps.
        batch: Sequences side by side, each with a memory.
        controller: `lstm` or `feedforward`.
        input_size: Features of a step of the input; for the copy task 8 bits and 2 marks.
        output_size: Features of a step of the output.
        hidden_size: Width of a layer of the controller.
        num_layers: Layers of the controller.
        heads: Heads that read, and as many that write; 0 for a controller without memory.
        locations: Vectors in the memory.
        width: Features of a vector in the memory.
        shift_range: How many locations a weighting can move by, either way.

    Raises:
        ModelError: A size is out of range, or the controller is another word.
    """
    at_least(1, seq_len=seq_len, batch=batch, input_size=input_size, output_size=output_size)
    at_least(1, hidden_size=hidden_size, num_layers=num_layers, locations=locations, width=width)
    at_least(0, heads=heads, shift_range=shift_range)
    at_most(LAYERS_AT_MOST, num_layers=num_layers)
    at_most(locations, shift_range=shift_range)
    if controller not in CONTROLLERS:
        raise ModelError(f"controller is {controller}", mend="it must be lstm or feedforward")
    with torch.device("meta"):
        features = num_layers * hidden_size
        model = TuringMachine(
            controller=CONTROLLERS[controller](
                input_size=input_size + heads * width, hidden_size=hidden_size, num_layers=num_layers
            ),
            memory=Memory(
                controller_size=features,
                heads=heads,
                locations=locations,
                width=width,
                shift_range=shift_range,
            )
            if heads
            else None,
            output=nn.Linear(features, output_size),
        )
        return model.eval(), (torch.empty(seq_len, batch, input_size),)
