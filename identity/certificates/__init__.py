"""Certificates of public services, RFC 8705: what was shown, whose it is, who vouches for it."""
