"""The built-in agent provider ``auto``: the first provider that this machine can use."""
