"""Tells operators when something is wrong: rules are evaluated off the request path, and alerts
delivered to the log and to webhooks.
"""
