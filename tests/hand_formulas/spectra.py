"""Complex numbers, Fourier transforms, factorisations: a complex multiply-accumulate counts as one."""

from __future__ import annotations

import torch
from torch import nn

from .case import Case, Written, case, x


def wave(*shape: int) -> torch.Tensor:
    return x(*shape, dtype=torch.complex64)


def complex_product() -> Case:
    """[6, 5] by [5, 4]."""
    return case(Written(lambda self, a: a @ self.w, w=wave(5, 4)), wave(6, 5), macs=120)


def complex_linear() -> Case:
    return case(nn.Linear(5, 4, dtype=torch.complex64), wave(6, 5), macs=120)


def complex_einsum() -> Case:
    return case(
        Written(lambda self, a: torch.einsum("bi,io->bo", a, self.w), w=wave(5, 4)), wave(6, 5), macs=120
    )


def complex_convolution() -> Case:
    """torch makes three real ones of it: 3 * 16*4*3*5."""
    return case(nn.Conv1d(3, 4, 5, dtype=torch.complex64), wave(1, 3, 20), macs=2880)


def fourier_operator() -> Case:
    """4 of 9 frequencies, 3 -> 5 channels: 2*4 * 3*5 complex ones; transforms are vector work."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        return torch.fft.irfft(torch.einsum("bix,iox->box", torch.fft.rfft(a)[..., :4], self.w), n=16)

    return case(Written(forward, w=wave(3, 5, 4)), x(2, 3, 16), macs=120)


def convolution_by_fourier_transforms() -> Case:
    """Elementwise products between transforms: none."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        return torch.fft.irfft(torch.fft.rfft(a, n=32) * torch.fft.rfft(self.w, n=32))[..., :16]

    return case(Written(forward, w=x(3, 16)), x(2, 3, 16), macs=0)


def mixing_by_fourier_transforms() -> Case:
    """FNet: its feed-forward part alone, 12 * 8*8."""
    return case(
        Written(lambda self, a: self.part(torch.fft.fft2(a).real), part=nn.Linear(8, 8)), x(2, 6, 8), macs=768
    )


def spectrogram() -> Case:
    """9 frequencies of 17 frames into 3 bands: 17*9*3."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        window = torch.hann_window(16)
        return torch.stft(a, 16, window=window, return_complex=True).abs().transpose(1, 2) @ self.bands

    return case(Written(forward, bands=x(9, 3)), x(1, 64), macs=459)


def system_solved() -> Case:
    """Factors 6^3 / 3, both triangles 36*4."""
    return case(
        Written(lambda _, a, b: torch.linalg.solve(a + torch.eye(6), b)), x(6, 6), x(6, 4), macs=72 + 144
    )


def orthogonal_map() -> Case:
    """4 reflections of 5: 2 * (5*4*4 - 9*16/2) + 2*64/3 = 58.7, their product with a sign matrix, 6*5*4."""
    model = torch.nn.utils.parametrizations.orthogonal(
        nn.Linear(5, 4), orthogonal_map="householder", use_trivialization=False
    )
    return case(model, x(6, 5), macs=59 + 120)


def closest_points() -> Case:
    """Distances of 2 * 60 x 40 points in 5 dimensions go through products of 5 + 2."""
    return case(Written(lambda _, a, b: torch.cdist(a, b)), x(2, 60, 5), x(2, 40, 5), macs=2 * 60 * 40 * 7)


def few_distances() -> Case:
    """Up to 25 rows torch sums differences: no product."""
    return case(Written(lambda _, a, b: torch.cdist(a, b) + torch.cdist(a, b, p=1)), x(6, 5), x(4, 5), macs=0)
