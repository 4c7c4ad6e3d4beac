"""What a public service asks of a person: checked, and kept until it is answered."""

from datetime import timedelta

from flask import Flask

from identity.joining import Purge, joined
from identity.requested.records import AuthorizationRequest, PushedRequest

KEPT = timedelta(hours=1)  # so that who comes late is told so
PUSHED_KEPT = timedelta(hours=2)  # longer than a request of a person may wait, which spends it


def join(app: Flask) -> None:
    """Bring this area's purges; its pages are those of `authorization`."""
    _ = app
    kept = ((AuthorizationRequest, KEPT), (PushedRequest, PUSHED_KEPT))
    joined().purges.extend(Purge(table.__tablename__, "expires_at", keep) for table, keep in kept)
