"""One file, one family of ops: an op becomes work, or simpler ops."""
