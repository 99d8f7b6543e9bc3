"""The observers that show a run's progress to a person."""
