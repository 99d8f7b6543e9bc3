"""What steps read from memory and write to it, and how what they take from the run is brought under a limit."""
