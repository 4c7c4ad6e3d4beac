"""Three libraries that read our ID tokens, each with a copy of our keys for as long as we said."""

import re
import time
from collections.abc import Callable
from typing import Any, Protocol

import jwt
from authlib.integrations.base_client.sync_openid import OpenIDMixin
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet

from tests.drills.wire import Wire

ALGORITHMS = ["ES256", "PS256", "EdDSA", "RS256"]


class Reader(Protocol):
    """One client, as a public service would have it."""

    def read(self, tokens: dict[str, Any], client_id: str) -> None:
        """The ID token is ours.

        Raises:
            Exception: by this copy of the keys it is not.
        """


class Copy:
    """The key set, kept to the last second of its `max-age`, and never looked at sooner."""

    def __init__(self, wire: Wire) -> None:
        self._wire, self._keys, self._until = wire, {}, 0.0
        self.fetched = 0

    def keys(self) -> dict[str, Any]:
        """What was published when it was fetched."""
        if time.monotonic() >= self._until:
            answer = self._wire.send("GET", "/jwks")
            told = re.search(r"max-age=(\d+)", answer.headers["cache-control"])
            self._keys, self.fetched = answer.json, self.fetched + 1
            # From its arrival on: the longest that anybody could keep it.
            self._until = time.monotonic() + int(told[1])
        return self._keys


class ByJoserfc:
    """joserfc, with a key set."""

    def __init__(self, copy: Copy, _issuer: str) -> None:
        self.copy = copy

    def read(self, tokens: dict[str, Any], client_id: str) -> None:
        """The key is found by its name."""
        keys = KeySet.import_key_set(self.copy.keys())
        read = joserfc_jwt.decode(tokens["id_token"], keys, algorithms=ALGORITHMS)
        assert read.claims["aud"] == client_id


class ByPyjwt:
    """PyJWT, with the client for key sets that it brings; it asks for no key that it lacks."""

    def __init__(self, copy: Copy, issuer: str) -> None:
        self.copy, self.issuer = copy, issuer
        self._client = jwt.PyJWKClient(issuer, cache_jwk_set=False)
        self._client.fetch_data = copy.keys  # type: ignore[method-assign] # over our wire

    def read(self, tokens: dict[str, Any], client_id: str) -> None:
        """Signature, issuer, audience and times."""
        key = self._client.get_signing_key_from_jwt(tokens["id_token"])
        told = {"audience": client_id, "issuer": self.issuer, "leeway": 5}
        jwt.decode(tokens["id_token"], key, algorithms=ALGORITHMS, **told)


class ByAuthlib(OpenIDMixin):
    """Authlib's own reading of an ID token, with the hash of the access token."""

    def __init__(self, copy: Copy, issuer: str) -> None:
        self.copy, self.client_id = copy, ""
        self.server_metadata = {
            "issuer": issuer,
            "id_token_signing_alg_values_supported": ALGORITHMS,
        }

    def load_server_metadata(self) -> dict[str, Any]:
        """What it needs of it."""
        return self.server_metadata

    def fetch_jwk_set(self, force: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - Authlib's
        """The copy, and no other when a key is not in it."""
        assert not force, "a key that was not there when the copy was made"
        return self.copy.keys()

    def read(self, tokens: dict[str, Any], client_id: str) -> None:
        """As a callback of a Flask app would."""
        self.client_id = client_id
        assert self.parse_id_token(tokens, nonce=None) is not None


READERS: dict[str, Callable[[Copy, str], Reader]] = {
    "joserfc": ByJoserfc,
    "PyJWT": ByPyjwt,
    "Authlib": ByAuthlib,
}
