"""Logs, records, metrics and traces. Work is queued and batched beside the request path."""
