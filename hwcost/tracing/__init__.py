"""Run a model on the meta device and record what it does."""
