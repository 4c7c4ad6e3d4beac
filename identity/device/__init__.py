"""The device flow, RFC 8628: a person allows, on a phone, what a screen without keys asks for."""

from datetime import timedelta

from flask import Flask

from identity import doors
from identity.device import device_authorization, pages, requests
from identity.joining import Purge, joined
from identity.polled import ways

KEPT = timedelta(days=1)  # as long as the code it ends in, so that a replay is recognised


def join(app: Flask) -> None:
    """Bring the endpoint, the pages and what an answer does."""
    doors.add(app, device_authorization.DOORS)
    app.register_blueprint(pages.pages)
    ways.join(requests.KIND, requests.WAY)
    joined().purges.append(Purge("device_request", "expires_at", KEPT))
