"""Brings spans to a receiver by OTLP, over HTTP or gRPC."""
