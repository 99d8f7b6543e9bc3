"""The commands that look at runs: runs and trace."""
