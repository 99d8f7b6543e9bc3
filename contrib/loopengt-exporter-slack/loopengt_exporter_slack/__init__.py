"""Tells a Slack channel how a run of loopengt came out."""
