"""Speed of hwcost as ratios taken in one run, and its counts: `python -m benchmarks [SUBJECT ...]`."""
