"""The built-in judges, and the gate kind ``judge``."""
