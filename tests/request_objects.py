"""A public service that signs what it asks for, RFC 9101; and strangers who would like to."""

import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from identity import settings
from tests.asking import Sender, answered
from tests.public_services import a_service, public_jwk

TYPE = "oauth-authz-req+jwt"


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key that nobody knows."""
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class Signer(Sender):
    """A service with a key of its own, and the browser that it sends."""

    key: Any = field(default_factory=new_key)
    alg: str = "ES256"

    def claims(self, **changed: Any) -> dict[str, Any]:
        """What an honest object says; a claim that is null is left out."""
        now = int(time.time())
        about = {
            "iss": self.played.client_id,
            "aud": settings.current().issuer,
            "nbf": now,
            "exp": now + 300,
        }
        told = self.query() | about | changed
        return {name: value for name, value in told.items() if value is not None}

    def sign(self, *, header: dict[str, Any] | None = None, key: Any = None, **changed: Any) -> str:
        """An honest object with these differences."""
        head = {"typ": TYPE, "kid": "k1"} | (header or {})
        told = {n: value for n, value in head.items() if value is not None or n == "typ"}
        by = self.key if key is None else key
        return jwt.encode(self.claims(**changed), by, algorithm=self.alg, headers=told)

    def bring(self, text: str | None, **beside: Any) -> TestResponse:
        """The browser comes with the object, and nothing else but this."""
        told = {"client_id": self.played.client_id, "request": text} | beside
        kept = {name: value for name, value in told.items() if value is not None}
        return self.client.get("/authorize?" + urlencode(kept, doseq=True))

    def beside(self, text: str) -> TestResponse:
        """The object, beside the same request in plain: so that an error finds its way back."""
        return self.ask(request=text)

    def push(self, text: str, **beside: Any) -> TestResponse:
        """What `/par` says to the object."""
        form = {"request": text} | beside
        return self.client.post("/par", data=form, headers=self.played.basic())


def a_signer(client: FlaskClient, **members: Any) -> Signer:
    """A new service that has registered its key."""
    key = new_key()
    told = {"jwks": {"keys": [public_jwk(key)]}} | members
    return Signer(client, a_service(**told), key=key)


def error_of(answer: TestResponse) -> str:
    """The word of the error that the browser carries back."""
    return answered(answer)["error"]
