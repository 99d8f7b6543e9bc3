"""The site of docs/: how it is built, and what must hold of it."""
