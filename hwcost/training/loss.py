"""The loss, of which a model without one tells nothing but where its gradients begin."""

from __future__ import annotations

from typing import Final

GRADIENT: Final = "loss.gradient"
"""The op that turns outputs into their gradients."""

UNKNOWN: Final = "no loss was given: it reads the outputs and writes their gradients, without arithmetic"
