"""Routing compared with the overview's formula, in virtual time.

The routing that is measured is the service's own, from the Router down; only the clock and the
providers are made up.
"""
