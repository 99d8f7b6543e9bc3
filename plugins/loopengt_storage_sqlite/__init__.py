"""The default storage: one SQLite database in the project folder."""
