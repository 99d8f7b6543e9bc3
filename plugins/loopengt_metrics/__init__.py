"""The built-in metrics of runs."""
