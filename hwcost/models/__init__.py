"""One file, one ready-made model."""
