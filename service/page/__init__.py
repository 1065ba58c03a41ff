"""The edge for browsers: a read-only page, and the questions it asks in JSON.

It answers GET alone, asks the servicers that gRPC asks through the same guard, and computes
nothing.
"""
