"""Token revocation, RFC 7009: either token of a family ends all of it."""

import uuid
from typing import Any

from identity import clock, sealing, settings
from identity.described import Answer
from identity.doors import Door, Request, always
from identity.errors import InvalidToken, tell
from identity.granted.gate import open_ref, token_key
from identity.messages import NO_STORE, Response
from identity.provider.introspection import PARAMETERS
from identity.public_services import credentials
from identity.public_services.guard import authenticated
from identity.public_services.registered import Registered
from identity.signing import tokens
from identity.together import Clause, together
from identity.tokens import families, refresh_records
from identity.tokens.codes import REFRESH_PURPOSE


def revoke(request: Request, service: Registered) -> Response:
    """The token is dead, with its family. RFC 7009 §2.2: 200 also where there was nothing to do.

    Another service's token stays alive, and the answer does not tell.

    Raises:
        InvalidClient: what proved the service was taken back a moment ago.
    """
    text = request.form.read(PARAMETERS)["token"]
    clause = _clause(text, service)
    if clause is not None and together(clause) is None:
        # Nothing to end, or we remember the service as it was: what proved it must still count.
        now = credentials.again(service, request_id=request.request_id)
        if now is not None and now.version != service.version:
            clause = _clause(text, now)
            if clause is not None:
                together(clause)
    return Response(200, b"", NO_STORE)


def _clause(text: str, service: Registered) -> Clause | None:
    """What ends the token, if that service may; null: it is none of its own."""
    return _of_refresh_token(text, service) or _of_access_token(text, service)


def _of_refresh_token(text: str, service: Registered) -> Clause | None:
    try:
        citizen_id, digest = sealing.open_handle(text, REFRESH_PURPOSE)
    except (sealing.Unreadable, ValueError):
        return None
    return refresh_records.ending(_params(service, citizen_id) | {"end_digest": digest})


def _of_access_token(text: str, service: Registered) -> Clause | None:
    here = settings.current()
    try:
        token = tokens.read_access_token(text, audiences=(here.issuer, here.api_audience))
        if token.public_service != service.client_id:
            return None
        if token.reference is None:
            key = token_key(token.token_id)
            return refresh_records.revoking(key, token.ends_at, asker=_asker(service))
        ref = open_ref(token.reference, token.token_id)
    except InvalidToken:
        return None
    return refresh_records.ending(_params(service, ref.citizen_id) | {"end_family": ref.family_id})


def _asker(service: Registered) -> dict[str, Any]:
    return {"end_service": service.id, "end_service_version": service.version}


def _params(service: Registered, citizen_id: uuid.UUID) -> dict[str, Any]:
    return _asker(service) | {
        "end_citizen": citizen_id,
        "end_now": clock.now(),
        "end_by": families.REVOCATION,
    }


DOORS = (
    Door(
        method="POST",
        path="/revoke",
        function=revoke,
        guard=authenticated,
        refusals=tell,
        asks_once=always,
        summary="End a token and everything issued with it",
        form=((*PARAMETERS, *credentials.PARAMETERS),),
        answers={200: Answer("the token is dead, or there was nothing to end")},
    ),
)
