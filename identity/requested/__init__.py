"""What a public service asks of a person: checked, and kept until it is answered."""

from datetime import timedelta

from flask import Flask

from identity.joining import Purge, joined
from identity.requested.records import AuthorizationRequest

KEPT = timedelta(hours=1)  # so that who comes late is told so


def join(app: Flask) -> None:
    """Bring this area's purge; its pages are those of `authorization`."""
    _ = app
    joined().purges.append(Purge(AuthorizationRequest.__tablename__, "expires_at", KEPT))
