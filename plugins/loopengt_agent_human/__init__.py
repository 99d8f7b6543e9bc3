"""The built-in agent provider ``human``: a person does the work of a step."""
