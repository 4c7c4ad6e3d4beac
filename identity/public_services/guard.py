"""Who may call the endpoints that public services call about their own tokens."""

from identity import rate
from identity.doors import Request
from identity.public_services import credentials
from identity.public_services.registered import Registered


def authenticated(request: Request) -> Registered:
    """The public service that proved itself, as often as one service may ask.

    Raises:
        InvalidClient: it did not prove itself.
        TooManyRequests: it asks too often.
    """
    service = credentials.authenticate(request)
    rate.machines.take(service.client_id)
    return service
