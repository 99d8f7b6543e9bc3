"""Calibration: how far a judge agrees with labels that people gave."""
