"""CIBA Core 1.0: a service asks for a person who is not at its browser, and they answer here."""

from datetime import timedelta

from flask import Flask

from identity import doors, outbox, settings
from identity.ciba import backchannel_authentication, pages, ping, requests, sandbox
from identity.joining import Purge, joined
from identity.polled import ways

KEPT = timedelta(days=1)  # as long as the code it ends in, so that a replay is recognised


def join(app: Flask) -> None:
    """Bring the endpoint, the pages, what an answer does, and in a sandbox the way to test it."""
    doors.add(app, backchannel_authentication.DOORS)
    if settings.current().demo:
        doors.add(app, sandbox.DOORS)
    app.register_blueprint(pages.pages)
    ways.join(requests.KIND, requests.WAY)
    outbox.carry(ping.KIND, ping.send)
    joined().purges.append(Purge("backchannel_request", "expires_at", KEPT))
