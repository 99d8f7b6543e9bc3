"""Runs that begin in the midst of others, and runs that go on by a changed spec."""
