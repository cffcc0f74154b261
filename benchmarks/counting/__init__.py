"""Multiply-accumulates of many models, as each counter sees them, against sums by hand."""
