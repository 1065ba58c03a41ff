"""The gRPC edge: decodes and checks requests, encodes answers, turns failures into statuses."""
