"""The authorization endpoint: a request is answered with a code, or with what stood against it."""

from flask import Flask

from identity import ahead, doors
from identity.authentication import asking
from identity.authorization import pages, straight


def join(app: Flask) -> None:
    """Bring this area's pages, and say who sent a person to sign in."""
    doors.describe(app, pages.DESCRIBED)
    ahead.add(app, straight.DOOR)
    app.register_blueprint(pages.pages)
    asking.join(pages.find_asking, pages.keep_asking)
