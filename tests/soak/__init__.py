"""Longer proofs, outside of `make test`: `make soak`."""
