"""A public service of the profile FAPI 2.0: it proves a key or certificate wherever it goes."""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import jwt
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from identity import settings
from identity.public_services.credentials import JWT_BEARER
from identity.registration.register import register
from tests.asking import VERIFIER, Sender, answered, signed_in
from tests.certified import SUBJECT, Certificate, told
from tests.people import Somebody
from tests.proving import Holder, new_key, public_half
from tests.public_services import Played, registration

GRANT_TYPES = ["authorization_code", "refresh_token", "client_credentials"]
CERTIFIED = {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": SUBJECT}
BOUND_TO_IT = {"tls_client_certificate_bound_access_tokens": True}


def metadata(alg: str = "ES256", key: Any = None, **members: Any) -> dict[str, Any]:
    """What it registers; nothing of it but the profile asks for what the profile requires."""
    jwk = public_half(key or new_key(alg), alg) | {"kid": "k1", "alg": alg, "use": "sig"}
    usual = {
        "profile": "fapi2",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [jwk]},
        "grant_types": GRANT_TYPES,
    }
    return registration(**(usual | members))


@dataclass
class Bank:
    """One such service, one browser that it sends, and the connection that it speaks over."""

    client: FlaskClient
    played: Played
    key: Any = field(repr=False)
    alg: str = "ES256"
    holder: Holder | None = None  # null: its tokens are bound to its certificate
    shown: dict[str, str] = field(default_factory=dict)

    @property
    def sender(self) -> Sender:
        """The same as somebody who asks."""
        return Sender(self.client, self.played)

    def assertion(self, **changed: Any) -> dict[str, str]:
        """RFC 7523 §3, fresh; none where a certificate proves it."""
        if "tls" in self.sender.service.auth_method:
            return {"client_id": self.played.client_id}
        now, me = int(time.time()), self.played.client_id
        claims = {"iss": me, "sub": me, "aud": settings.current().issuer, "jti": uuid.uuid4().hex}
        said = claims | {"iat": now, "exp": now + 60} | changed
        signed = jwt.encode(said, self.key, algorithm=self.alg, headers={"kid": "k1"})
        return {"client_assertion": signed, "client_assertion_type": JWT_BEARER}

    def post(self, path: str, *, is_proved: bool = True, **form: Any) -> TestResponse:
        """A form, proven in every way that is needed; again where a nonce is asked for."""
        sent = {name: value for name, value in form.items() if value is not None}
        for _ in range(2):
            proof = self.holder.proof("POST", path) if self.holder and is_proved else {}
            data = urlencode(self.assertion() | sent)
            headers = {"Content-Type": "application/x-www-form-urlencoded"} | self.shown | proof
            answer = self.client.post(path, data=data, headers=headers)
            if self.holder:
                self.holder.nonce = answer.headers.get("DPoP-Nonce", self.holder.nonce)
            if "use_dpop_nonce" not in answer.text:
                break
        return answer

    def push(self, **changed: Any) -> TestResponse:
        """What `/par` says to an honest request with these differences."""
        return self.post("/par", is_proved=False, **self.sender.query(**changed))

    def bring(self, reference: str, **more: Any) -> TestResponse:
        """The browser comes with a reference."""
        asked = {"client_id": self.played.client_id, "request_uri": reference} | more
        return self.client.get("/authorize?" + urlencode(asked))

    def authorize(self, person: Somebody, **changed: Any) -> dict[str, str]:
        """What comes back of a pushed request, the person signed in."""
        signed_in(self.client, person)
        pushed = self.push(**changed)
        assert pushed.status_code == 201, pushed.json
        return answered(self.bring(pushed.json["request_uri"]))

    def redeem(self, code: str, **changed: Any) -> TestResponse:
        """The code for tokens."""
        form = {"code": code, "redirect_uri": self.sender.redirect_uri, "code_verifier": VERIFIER}
        return self.post("/token", **({"grant_type": "authorization_code"} | form | changed))

    def sign_in(self, person: Somebody) -> dict[str, Any]:
        """Tokens for a person, the whole way."""
        answer = self.redeem(self.authorize(person)["code"])
        assert answer.status_code == 200, answer.json
        return dict(answer.json)

    def refresh(self, token: str) -> TestResponse:
        """A refresh token is used."""
        return self.post("/token", grant_type="refresh_token", refresh_token=token)

    def userinfo(self, token: str) -> TestResponse:
        """What userinfo says to that token and what proves it."""
        if self.holder is not None:
            return self.holder.send("GET", "/userinfo", token=token, headers=self.shown)
        headers = {"Authorization": f"Bearer {token}"} | self.shown
        return self.client.get("/userinfo", headers=headers)

    def is_active(self, token: str) -> bool:
        """What introspection says of it."""
        return bool(self.post("/introspect", is_proved=False, token=token).json["active"])


def a_bank(
    client: FlaskClient, alg: str = "ES256", *, shown: Certificate | None = None, **members: Any
) -> Bank:
    """A new one; with a certificate it shows that."""
    key = new_key(alg)
    said = metadata(alg, key, **members)
    register([said])
    is_bound = bool(said.get("tls_client_certificate_bound_access_tokens"))
    return Bank(
        client,
        Played(said["client_id"]),
        key,
        alg,
        holder=None if is_bound else Holder(client),
        shown={} if shown is None else told(shown),
    )
