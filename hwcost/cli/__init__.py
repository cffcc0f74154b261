"""Words in, text out: one file per command."""
