"""The agent provider ``python``: a function as an agent."""
