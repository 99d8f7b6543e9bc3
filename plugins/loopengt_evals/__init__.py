"""Evaluations: ``loopengt eval``, suites of cases, comparisons, calibration of judges."""
