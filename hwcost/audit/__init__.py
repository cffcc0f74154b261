"""Independent counts of a model beside ours, and the share of its ops that a rule knows."""
