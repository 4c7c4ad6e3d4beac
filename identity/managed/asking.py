"""Which grant an authorization request is about, Grant Management for OAuth 2.0 §5."""

import uuid
from collections.abc import Mapping

from identity.errors import InvalidRequest
from identity.granted import grants
from identity.granted.claims import CLAIM
from identity.granted.details import SHORTHAND
from identity.granted.grants import Grant
from identity.managed import names
from identity.managed.names import InvalidGrantId
from identity.parameters import Parameter
from identity.public_services.registered import Registered

Said = Mapping[str, str]  # the parameters of a request, names as on the wire
ACTION, NAME = "grant_management_action", "grant_id"
CREATE, MERGE, REPLACE = "create", "merge", "replace"
ACTIONS = (CREATE, MERGE, REPLACE)
PARAMETERS = (
    Parameter(
        name=ACTION,
        meaning="the answer names the grant: a new one, or one that is added to or replaced",
        longest=20,
        one_of=ACTIONS,
    ),
    Parameter(name=NAME, meaning="the grant that merge or replace is about", longest=names.LONGEST),
)


def action(said: Said) -> str | None:
    """What is to happen to a grant; null: the service does not manage it."""
    return said.get(ACTION)


def is_change(said: Said) -> bool:
    """Whether it is about a grant that there is."""
    return action(said) in {MERGE, REPLACE}


def check(said: Said, service: Registered) -> None:
    """§5.4: a known action, with a live grant of this very service where it needs one.

    Raises:
        InvalidRequest: the two parameters do not fit each other, or this service.
        InvalidGrantId: there is no such grant.
    """
    if action(said) is None and NAME not in said:
        return
    if action(said) not in ACTIONS:
        raise InvalidRequest("grant_management_action is create, merge or replace")
    if service.is_public:  # §5.1
        raise InvalidRequest("grants are managed by services that authenticate themselves")
    if is_change(said) is not (NAME in said):
        raise InvalidRequest("grant_id stands with merge and replace, and with nothing else")
    if is_change(said):
        grant(said, service)


def grant(said: Said, service: Registered) -> Grant:
    """The grant that the request is about.

    Raises:
        InvalidGrantId: there is none of that name, it has ended, or another service has it.
    """
    found = _find(said, service)
    if found is None:
        raise InvalidGrantId("grant_id names no live grant of this public service")
    return found


def require_own(
    said: Said, service: Registered, *, citizen_id: uuid.UUID, actor_id: uuid.UUID
) -> None:
    """Who is signed in is who gave the grant.

    Raises:
        InvalidGrantId: somebody else is.
    """
    if not is_change(said):
        return
    found = grant(said, service)
    if (found.citizen_id, found.actor_id) != (citizen_id, actor_id):
        raise InvalidGrantId("another person gave this grant than is signed in")


def widened(said: Said, service: Registered) -> Said:
    """What is asked for, with the scopes that the grant had where it is to be added to.

    So the person decides about all of them at once, and one token can say them. A single claim
    is asked for by itself each time.
    """
    found = _find(said, service) if said.get(ACTION) == MERGE else None
    if found is None:
        return said
    asked = said.get("scope", "").split()
    before = [s for s in found.scope.split() if not s.startswith((CLAIM, SHORTHAND))]
    return {**said, "scope": " ".join(dict.fromkeys([*asked, *before]))}


def _find(said: Said, service: Registered) -> Grant | None:
    named = names.find(said.get(NAME, ""))
    found = named and grants.find_grant(*named)
    if not found or not found.is_active or found.public_service_id != service.id:
        return None
    return found
