"""The commands that look at runs and tidy them up: runs and trace."""
