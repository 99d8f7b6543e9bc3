"""Whether a run comes to anything new."""
