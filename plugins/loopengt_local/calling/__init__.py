"""What agents do within an attempt: requests to models, calls of tools, questions to people; each recorded."""
