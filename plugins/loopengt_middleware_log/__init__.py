"""The built-in middleware ``log``: one log line for each attempt."""
