"""Logs now; metrics and traces later. Work is queued and batched beside the request path."""
