"""The built-in storage that keeps every run as one append-only file of JSON lines."""
