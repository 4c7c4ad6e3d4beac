"""Sign-out that a public service asks for, and that it hears of."""

from flask import Flask

from identity import doors, outbox
from identity.authentication import sessions
from identity.logout import back_channel, pages


def join(app: Flask) -> None:
    """Bring this area's pages, and tell services of sessions that end."""
    sessions.on_end(back_channel.tell)
    outbox.carry(back_channel.KIND, back_channel.send)
    doors.describe(app, pages.DESCRIBED)
    app.register_blueprint(pages.pages)
