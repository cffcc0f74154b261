"""One file, one format: a report becomes text or a chart."""
