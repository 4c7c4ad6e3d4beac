"""What a public service checks of a logout token: OpenID Connect Back-Channel Logout 1.0."""

import time
from collections.abc import Callable
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import KeySet

EVENT = "http://schemas.openid.net/event/backchannel-logout"
ENOUGH = 60  # seconds between two looks for a key that nobody knew: anybody may invent one


class NotALogout(ValueError):
    """Signed by the provider, and still nothing that ends a session."""


class Logouts:
    """The logout tokens of one issuer for one client; `fetch` gets the issuer's keys anew."""

    def __init__(self, issuer: str, client_id: str, *, fetch: Callable[[], dict[str, Any]]) -> None:
        must: dict[str, Any] = {name: {"essential": True} for name in ("iat", "exp", "jti")}
        must["iss"] = {"essential": True, "value": issuer}
        must["aud"] = {"essential": True, "value": client_id}
        self._claims = jwt.JWTClaimsRegistry(leeway=60, **must)
        self._fetch, self._keys, self._fetched_at = fetch, KeySet([]), float("-inf")

    def read(self, token: str) -> dict[str, Any]:
        """Whose session is over: `sub`, `sid` or both, §2.6.

        Raises:
            JoseError: not signed by the provider, not for us, or too old.
            NotALogout: it has no such event, or is an ID token in disguise.
        """
        signed = self._signed(token)
        claims = signed.claims
        self._claims.validate(claims)
        if signed.header.get("typ") != "logout+jwt" or "nonce" in claims:
            raise NotALogout("another kind of token")
        events = claims.get("events")
        if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
            raise NotALogout("no logout among its events")
        if not (claims.get("sub") or claims.get("sid")):
            raise NotALogout("it names nobody")
        return dict(claims)

    def _signed(self, token: str) -> jwt.Token:
        """The token, its signature checked; a key that is not known yet is looked for."""
        try:
            return jwt.decode(token, self._keys, algorithms=["ES256"])
        except InvalidKeyIdError:
            if time.monotonic() - self._fetched_at < ENOUGH:
                raise
        self._fetched_at = time.monotonic()  # also where it is away: it will tell us again
        self._keys = KeySet.import_key_set(self._fetch())
        return jwt.decode(token, self._keys, algorithms=["ES256"])


def is_over(told: dict[str, Any], claims: dict[str, Any]) -> bool:
    """Whether a session that began with this ID token has ended with that logout (§2.7)."""
    named = [name for name in ("sid", "sub") if claims.get(name)]
    return bool(named) and all(told.get(name) == claims[name] for name in named)
