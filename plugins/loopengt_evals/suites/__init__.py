"""Suites: a loop on many cases, each a number of times, as real runs."""
