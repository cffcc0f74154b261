"""Products through a buffer, and reuse distance across ops."""
