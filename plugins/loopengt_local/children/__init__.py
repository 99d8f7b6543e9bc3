"""Steps that are loops of their own: binding them, driving their runs, reporting what they came to."""
