"""Sends runs of loopengt to OpenTelemetry, by the conventions for generative AI."""
