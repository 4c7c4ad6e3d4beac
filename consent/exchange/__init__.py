"""Exchange: what was declared before reaches who may have it, through the gate."""

from flask import Flask

from consent.exchange.release import release
from consent.exchange.wire import AskSchema, ReleaseSchema
from identity import doors
from identity.doors import Door
from identity.errors import explain
from identity.provider.guard import access_token

DOORS = (
    Door(
        method="POST",
        path="/api/attributes",
        function=release,
        guard=access_token(),
        refusals=explain,
        summary="Fetch what a citizen has decided to share",
        body=AskSchema,
        answers={
            200: ReleaseSchema,
            400: "the body is not understood, or names what no catalogue has",
            401: "the access token is missing, forged, late or ended",
            403: "no decision that stands covers what was asked",
            413: "the body is too large",
            415: "the body is not JSON",
            429: "too many requests",
            503: "the log cannot be written, so nothing is released",
        },
    ),
)


def join(app: Flask) -> None:
    """Bring the doors of the exchange."""
    doors.add(app, DOORS)
