"""Requests that no browser brings: a person answers elsewhere, and the public service asks when.

What the device flow (RFC 8628) and CIBA have in common.
"""
