"""Speed of hwcost as ratios taken in one run: `python -m benchmarks [SUBJECT ...]`."""
