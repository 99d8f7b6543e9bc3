"""The built-in triggers: manual, schedule, webhook and event."""
