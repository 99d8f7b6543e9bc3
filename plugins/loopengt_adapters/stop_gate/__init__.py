"""A run as the gate that one session of a tool has to pass before it may stop."""
