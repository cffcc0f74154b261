"""Small models, each with its exact multiply-accumulates worked out by hand; one file per family."""
