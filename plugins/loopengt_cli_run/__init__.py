"""The commands that drive runs: run, resume and stop."""
