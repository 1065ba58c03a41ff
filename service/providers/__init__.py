"""Adapters to models. A wire family is pure: bytes in, values out; one shell does the I/O for all.

Never routes, retries, caches or prices.
"""
