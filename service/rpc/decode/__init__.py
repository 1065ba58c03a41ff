"""Requests from the wire into the domain. Pure: a value, or every mistake with its field path."""
