"""The agent provider ``host``: steps that the model of a connected IDE does, without an API key."""
