"""The built-in engine: drives runs in this process, on this machine."""
