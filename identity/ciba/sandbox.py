"""Answering for a person of the demo by a request, where no person can: for conformance tests.

The door exists only with MOTLAN_DEMO=1, which is refused off loopback, and opens only for people
who are invented. It asks no more than the auth_req_id.
"""

import secrets
import uuid

from identity import sealing
from identity.authentication import sessions
from identity.authentication.sessions import CitizenSession, Proof
from identity.authentication.sign_in import ACR_OF_BOTH, METHODS
from identity.authorization import authorize
from identity.authorization.authorize import Visit
from identity.ciba import requests
from identity.ciba.requests import Waiting
from identity.citizens import people
from identity.database import transaction
from identity.doors import Door, Request, anyone
from identity.errors import InvalidRequest, NotFound, tell
from identity.messages import NO_STORE, Response
from identity.requested import pending

INVENTED = ("097", "098", "099")  # no province has these: contract, "demo.json"
ALLOW, DENY = "allow", "deny"


def answer(request: Request, _caller: object) -> Response:
    """The request has the answer that the person would have given.

    Raises:
        NotFound: no request of an invented person waits under this auth_req_id.
        InvalidRequest: neither answer, or one that only a page can get.
    """
    found = _found(request.query.required("token"))
    chosen = request.query.required("type")
    if chosen not in {ALLOW, DENY}:
        raise InvalidRequest("type is allow or deny")
    digest = sealing.digest(secrets.token_urlsafe(32))
    session = _signed_in(found, digest)
    if chosen == DENY:
        requests.deny(found.polled, session)
    else:
        _allow(found, session, browser_digest=digest)
    return Response(204, b"", NO_STORE)


def _found(auth_req_id: str) -> Waiting:
    standing = requests.standing(auth_req_id)
    if standing is not None and standing.citizen_id is not None:
        waiting = requests.waiting(standing.citizen_id)
        found = next((one for one in waiting if one.polled.digest == standing.digest), None)
        if found is not None and _is_invented(standing.citizen_id):
            return found
    raise NotFound("no request of a person of the demo waits under this auth_req_id")


def _is_invented(citizen_id: uuid.UUID) -> bool:
    try:
        number = people.person(citizen_id).national_id
    except people.NoSuchCitizen:
        return False
    return number.reveal().startswith(INVENTED)


def _signed_in(found: Waiting, browser_digest: bytes) -> CitizenSession:
    assert found.polled.citizen_id is not None  # noqa: S101 - every request of this way has one
    proof = Proof(found.polled.citizen_id, browser_digest, ACR_OF_BOTH, METHODS)
    with transaction():
        started = sessions.start(proof)
    session = sessions.find(started.cookie)
    if session is None:
        raise NotFound("this person cannot sign in")
    return session


def _allow(found: Waiting, session: CitizenSession, *, browser_digest: bytes) -> None:
    kept = pending.keep(found.wish, browser_digest)
    waiting = pending.open_in(kept, browser_digest)
    went = authorize.authorize(Visit(waiting.wish, session, lambda: browser_digest, waiting))
    place = dict(went.headers)["Location"] if isinstance(went, Response) else ""
    if place != requests.WAY.allowed_page:
        raise InvalidRequest("this request needs a decision on its page: sign in and answer it")


DOORS = (
    Door(
        method="POST",
        path="/test/ciba",
        function=answer,
        guard=anyone,
        refusals=tell,
        summary="Answer for a person of the demo; in a sandbox only",
        is_documented=False,
    ),
)
