"""The built-in storage that keeps runs in memory, for tests and for runs that nobody asks for later."""
