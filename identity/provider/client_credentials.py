"""A token for a public service itself, with no person in it: RFC 6749 §4.4."""

import time
from functools import lru_cache
from typing import Any

from identity.errors import InvalidClient, InvalidScope, UnauthorizedClient
from identity.granted import resources
from identity.granted.claims import CLAIMS_OF
from identity.public_services import credentials
from identity.public_services.registered import Registered
from identity.signing import tokens
from identity.together import look
from identity.tokens import families
from identity.tokens.families import Asker

REMEMBERED_SECONDS = 1.0
MOST_REMEMBERED = 4096
# Until when a service, by the number of its id and its version, is taken to be alive.
_seen: dict[tuple[int, int], float] = {}
# What only a person's sign-in can give.
OF_PERSONS = frozenset(CLAIMS_OF) | {"openid", "offline_access"}


def grant(asker: Asker, *, scope: tuple[str, ...], target: tuple[str, ...]) -> dict[str, Any]:
    """The token response: `sub` is the service's own id, and nothing is stored (design §3).

    Raises:
        UnauthorizedClient: a service that cannot prove who it is.
        InvalidScope: a scope of persons, or one it was not registered for.
        InvalidClient: it was ended, or what proved it taken back, more than a second ago if this
            process had just served it.
    """
    service = asker.service
    if service.is_public:
        raise UnauthorizedClient("this needs a public service that authenticates itself")
    if scope and not set(scope) <= service.scopes - OF_PERSONS:
        raise InvalidScope("ask only for scopes registered for this service itself")
    _require_live(asker)
    audience = resources.audience(target, has_details=False)
    beginning = _beginning(service.client_id, audience, scope=scope, sender_key=asker.sender_key)
    said = {
        "access_token": tokens.sign_begun(beginning),
        "token_type": tokens.kind_of(asker.sender_key),
        "expires_in": tokens.LIFETIME_SECONDS,
    }
    return said | {"scope": " ".join(scope)} if scope else said


@lru_cache(maxsize=MOST_REMEMBERED)
def _beginning(
    client_id: str, audience: str, *, scope: tuple[str, ...], sender_key: str | None
) -> bytes:
    """What the tokens of a service have in common; whose they are is told by their audience."""
    token = tokens.AccessToken(
        audience=audience,
        subject=client_id,
        public_service=client_id,
        scopes=scope,
        confirmation=tokens.bound_to(sender_key),
    )
    return tokens.begun(token)


def _require_live(asker: Asker) -> None:
    """The service may still ask, as it could at most a second ago (decision 0032)."""
    service = asker.service
    if _is_fresh(service):
        return
    if look(credentials.live_clause(service)) is None:
        again = families.again(asker)
        if again is None or look(credentials.live_clause(again)) is None:
            raise InvalidClient("this service may not ask any more", headers=credentials.CHALLENGE)
        service = again
    if len(_seen) >= MOST_REMEMBERED:
        _seen.clear()
    _seen[service.id.int, service.version] = time.monotonic() + REMEMBERED_SECONDS


def _is_fresh(service: Registered) -> bool:
    return time.monotonic() < _seen.get((service.id.int, service.version), 0.0)


def forget() -> None:
    """Look again at the next request of anybody."""
    _seen.clear()
