"""Tells a run by spans: events in, ended spans out."""
