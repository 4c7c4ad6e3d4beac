"""Beginning: a printed letter, then a password and a second factor of one's own."""

from datetime import timedelta

from flask import Flask

from identity.activation import commands, pages, records
from identity.citizens.commands import citizens
from identity.joining import Purge, joined


def join(app: Flask) -> None:
    """Bring the pages, the command beside those of the register, and this area's purge."""
    app.register_blueprint(pages.pages)
    citizens.add_command(commands.write_letters)
    joined().purges.append(
        Purge(records.ActivationLetter.__tablename__, "expires_at", timedelta(0))
    )
