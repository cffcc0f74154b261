"""Where models come from: one file per kind of source; each gives a subject to trace, or a trace."""
