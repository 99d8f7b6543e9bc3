"""The built-in agent provider ``scripted``: answers from a file, marked as such."""
