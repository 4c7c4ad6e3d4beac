"""Public services with honest defaults: each call registers a new one of a new organisation."""

import base64
import io
import itertools
import time
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm
from sqlalchemy import update

from identity import database, settings
from identity.database import transaction
from identity.doors import FORM, Request
from identity.public_services import credentials, registered
from identity.public_services.records import PublicService
from identity.public_services.registered import Registered
from identity.registration.register import register

_numbers = itertools.count(1)


def registration(**members: Any) -> dict[str, Any]:
    """The metadata of a new service; a member that is null is left out."""
    n = f"{next(_numbers)}-{uuid.uuid4().hex[:12]}"
    told = {
        "client_id": f"service-{n}",
        "client_name": "Tax office",
        "client_name#vi": "Cơ quan thuế",
        "redirect_uris": [f"https://{n}.motlan.test/callback"],
        "organisation": {
            "name": "Cơ quan thuế",
            "code": f"T{n.replace('-', '.H').upper()}",
            "level": "province",
            "block": "government",
        },
        "procedures": ["1.004222"],
        **members,
    }
    return {name: value for name, value in told.items() if value is not None}


@dataclass
class Played:
    """A public service that the test plays: what it knows, and how it calls."""

    client_id: str
    secret: str | None = field(default=None, repr=False)
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = field(default=None, repr=False)
    kid: str | None = "k1"
    alg: str = "ES256"

    @property
    def service(self) -> Registered:
        """What is on record of it."""
        found = registered.find(self.client_id)
        assert found is not None
        return found

    def basic(self, secret: str | None = None) -> dict[str, str]:
        """The header of RFC 6749 §2.3.1."""
        pair = f"{quote_plus(self.client_id)}:{quote_plus(secret or self.secret or '')}"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}

    def post(self, secret: str | None = None) -> dict[str, str]:
        """The same in the body."""
        return {"client_id": self.client_id, "client_secret": secret or self.secret or ""}

    def assertion(self, *, header: dict[str, Any] | None = None, **claims: Any) -> dict[str, str]:
        """A client assertion of RFC 7523, fresh each time; a claim that is null is left out."""
        now = int(time.time())
        told = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": settings.current().issuer,
            "jti": uuid.uuid4().hex,
            "iat": now,
            "exp": now + 60,
            **claims,
        }
        kept = {name: value for name, value in told.items() if value is not None}
        named = {} if self.kid is None else {"kid": self.kid}
        signed = jwt.encode(kept, self.key, algorithm=self.alg, headers=named | (header or {}))
        return {"client_assertion": signed, "client_assertion_type": credentials.JWT_BEARER}


def a_service(**members: Any) -> Played:
    """One with a secret, sent in the header unless told otherwise."""
    told = registration(**members)
    (outcome,) = register([told])
    return Played(told["client_id"], outcome.client_secret)


def registered_elsewhere(service: Registered) -> None:
    """Another process has registered it anew a moment ago; this one remembers it as it was."""
    with transaction():
        mine = PublicService.id == service.id
        database.write(update(PublicService).where(mine).values(version=PublicService.version + 1))


def a_service_with_a_key(**members: Any) -> Played:
    """One that signs assertions with its own ES256 key."""
    key = ec.generate_private_key(ec.SECP256R1())
    told = registration(
        token_endpoint_auth_method="private_key_jwt",
        **({"jwks": {"keys": [public_jwk(key)]}} | members),
    )
    register([told])
    return Played(told["client_id"], key=key)


def public_jwk(key: ec.EllipticCurvePrivateKey, kid: str = "k1") -> dict[str, Any]:
    """The public half as a service shows it."""
    members: dict[str, Any] = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return members | {"kid": kid, "use": "sig", "alg": "ES256"}


def request(
    form: dict[str, str] | str = "", *, headers: dict[str, str] | None = None, query: str = ""
) -> Request:
    """A form posted to a machine endpoint, as the doors hand it on."""
    body = (form if isinstance(form, str) else urlencode(form)).encode()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/token",
        "QUERY_STRING": query,
        "CONTENT_TYPE": FORM,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    for name, text in (headers or {}).items():
        environ["HTTP_" + name.upper().replace("-", "_")] = text
    return Request(environ)


def authenticate(
    form: dict[str, str] | str = "", *, headers: dict[str, str] | None = None, query: str = ""
) -> Registered:
    """Who that request is from."""
    return credentials.authenticate(request(form, headers=headers, query=query))
