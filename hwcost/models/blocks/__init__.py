"""Building blocks that several ready-made models share."""
