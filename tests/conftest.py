"""Settings of every test."""

import os

# Workers side by side share the cores: torch with threads of its own in each would only make them wait.
os.environ.setdefault("OMP_NUM_THREADS", "1")
