"""Running it on one machine: backup and restore, how it stands, and what Prometheus is told."""

from flask import Flask

from identity.joining import Check, joined
from identity.operations import commands, pages, records


def join(app: Flask) -> None:
    """Bring the operator's commands, and what must not be served."""
    joined().starts.append(Check("server", records.foreign_server))
    app.register_blueprint(pages.pages)
    app.cli.add_command(commands.back_up)
    app.cli.add_command(commands.put_back)
