"""Errors that a user can mend: one line that says what is wrong, where, and how to mend it."""

from __future__ import annotations


class HwcostError(Exception):
    """Base of every error that a user can mend; the command line prints it and exits with 2.

    Attributes:
        what: what is wrong, in one clause.
        where: file, line or argument, or "" where there is none.
        mend: how to mend it, in one clause, or "".
    """

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        self.what = what
        self.where = where
        self.mend = mend
        super().__init__(str(self))

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        text = f"{text}; {self.mend}" if self.mend else text
        return " ".join(text.split())


class ProfileError(HwcostError):
    """A device profile is wrong: unknown, missing, duplicate, unsourced, of the wrong dimension."""


class ModelError(HwcostError):
    """A model cannot be found, built or called."""


class TraceError(HwcostError):
    """A model cannot be traced (its own code fails, or needs a value that no weight-free run has)."""


class TraceFileError(HwcostError):
    """A saved trace cannot be read."""


class RuleError(HwcostError):
    """An op does not have the shapes that its rule expects."""


class OrderError(HwcostError):
    """A model has no form in the order of execution that was asked for."""


class UnknownOpError(HwcostError):
    """`strict`: a trace contains ops without a rule."""


class UsageError(HwcostError):
    """Words on the command line, or arguments of the Python API, do not fit."""
