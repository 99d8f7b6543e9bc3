"""The agent provider ``command``: any program as an agent."""
