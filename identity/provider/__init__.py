"""The OpenID Provider's machine endpoints, each in the file that its specification names."""

from flask import Flask

from identity import doors
from identity.provider import (
    discovery,
    introspection,
    par,
    resource_metadata,
    revocation,
    token,
    userinfo,
)


def join(app: Flask) -> None:
    """Bring this area's doors."""
    for endpoint in (
        discovery,
        resource_metadata,
        par,
        token,
        userinfo,
        introspection,
        revocation,
    ):
        doors.add(app, endpoint.DOORS)
