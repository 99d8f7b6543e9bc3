"""Statistics of repeated trials, with the standard library alone."""
