"""Logs now; metrics and traces later. Never on the request's own time: work is queued and batched."""
