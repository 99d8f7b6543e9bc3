"""Provides the IDE adapters, the command ``adapter``, and observers that tell people what runs do."""
