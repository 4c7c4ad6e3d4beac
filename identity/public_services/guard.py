"""Who may call the endpoints that public services call about their own tokens."""

from identity import rate
from identity.doors import Request
from identity.errors import InvalidClient
from identity.public_services import credentials
from identity.public_services.registered import Registered
from identity.together import look


def authenticated(request: Request) -> Registered:
    """The public service that proved itself, as often as one service may ask.

    Raises:
        InvalidClient: it did not prove itself.
        TooManyRequests: it asks too often.
    """
    service = credentials.authenticate(request)
    rate.machines.take(service.client_id)
    return service


def present(request: Request) -> Registered:
    """The same as it is registered now: for what asks a person and stands in no later statement.

    Raises:
        InvalidClient: it did not prove itself, or what proved it was taken back a moment ago.
        TooManyRequests: it asks too often.
    """
    service = authenticated(request)
    if look(credentials.live_clause(service)) is not None:
        return service
    now = credentials.again(service, request_id=request.request_id)
    if now is None or not now.is_active:
        raise InvalidClient("this service may not ask any more", headers=credentials.CHALLENGE)
    return now
