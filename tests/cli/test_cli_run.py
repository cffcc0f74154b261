"""From the parameters of commands to a run: each of them reaches it, or is known to be something else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from inspect import signature
from typing import Any

import pytest

from hwcost.cli.analyze import analyze
from hwcost.cli.compare_devices import compare_devices
from hwcost.cli.compare_models import compare_models
from hwcost.cli.roofline import roofline
from hwcost.cli.run import Run, run_of

ELSEWHERE = {"model", "models", "devices", "form", "output", "layers"}
"""Parameters that say what is run, where, and what becomes of it: not how."""


@pytest.mark.parametrize("command", [analyze, compare_models, compare_devices, roofline])
def test_every_parameter_of_a_command_reaches_its_run(command: Callable[..., None]) -> None:
    parameters = set(signature(command).parameters)
    assert parameters - ELSEWHERE <= {field.name for field in fields(Run)}


def test_a_run_has_what_the_command_was_given() -> None:
    words: dict[str, Any] = dict.fromkeys(signature(compare_models).parameters)
    words |= {"device": "edge", "batch": 4, "order": "streaming", "strict": True, "settings": ["a=1", "b=2"]}
    run = run_of({**words, "form": "json"})
    assert (run.device, run.batch, run.order, run.strict) == ("edge", 4, "streaming", True)
    assert run.settings == ("a=1", "b=2")
    assert run_of({**words, "settings": None}).settings == ()
