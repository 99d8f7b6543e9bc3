"""Observers that tell people, and other programs, what runs do."""
