"""One file, one kind of device: how it moves bytes and what they cost."""
