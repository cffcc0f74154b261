"""What a PyTorch model costs on a device, what limits it, and what would change that."""
