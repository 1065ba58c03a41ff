"""The request path: the only place that awaits in order. Knows ports, never an adapter or the wire."""
