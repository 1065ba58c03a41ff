"""OpenTelemetry's door: spans, metrics and logs as its SDK wants them, and its exporters.

Imported only where telemetry is on: importing the SDK takes a quarter of a second.
"""
