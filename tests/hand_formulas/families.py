"""All cases, by the file that holds them."""

from __future__ import annotations

import inspect
from importlib import import_module
from types import ModuleType

from .case import Case, Maker

FAMILIES = (
    "products",
    "ranks",
    "convolutions",
    "filters",
    "recurrent",
    "loops",
    "attention",
    "transformers",
    "experts",
    "networks",
    "functional",
    "spectra",
    "sized",
    "sized_transformers",
)


def makers() -> dict[str, list[Maker]]:
    """The functions that take nothing and return a case, by file."""
    package = __name__.rpartition(".")[0]
    return {family: _makers(import_module(f"{package}.{family}")) for family in FAMILIES}


def _makers(module: ModuleType) -> list[Maker]:
    return [
        function
        for function in vars(module).values()
        if inspect.isfunction(function)
        and function.__module__ == module.__name__
        and not inspect.signature(function).parameters
        and inspect.signature(function).return_annotation == Case.__name__
    ]
