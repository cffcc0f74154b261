"""What is measured: one file per subject, each with a function `results`."""
