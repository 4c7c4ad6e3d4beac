"""How a public service gets on record."""

from flask import Flask

from identity.registration.commands import services


def join(app: Flask) -> None:
    """Bring this area's commands."""
    app.cli.add_command(services)
