"""Holds plugins against the suites of the test kit, and runs their own tests."""
