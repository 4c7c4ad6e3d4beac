"""Signing in, staying signed in, and signing out."""

from flask import Flask


def join(app: Flask) -> None:
    """Bring this area's doors, pages, commands, duties and purges."""
