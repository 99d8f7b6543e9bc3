"""What loopengt costs, measured beside what is physically possible: ``python -m benchmarks``."""
