"""How the people who work here get what proves them: enrolment, and what they change later."""

from datetime import timedelta

from flask import Flask

from identity.joining import Purge, joined
from identity.staff_enrolment import commands, pages


def join(app: Flask) -> None:
    """Bring this area's pages, commands and purges."""
    app.register_blueprint(pages.pages)
    app.cli.add_command(commands.staff)
    joined().purges.append(Purge("staff_enrolment", "expires_at", timedelta(0)))
