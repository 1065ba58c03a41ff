"""The request path: the only place that awaits in order. Knows ports, never adapters or wire."""
