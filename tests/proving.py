"""A public service that proves a key with each request (RFC 9449), and makes its proofs by hand."""

import base64
import hashlib
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from flask.testing import FlaskClient
from joserfc.jwk import ECKey, OKPKey, RSAKey
from jwt.algorithms import OKPAlgorithm
from werkzeug.test import TestResponse

from identity import settings
from tests.offices import Code, Office
from tests.people import lan

SIGNER = jwt.PyJWS()
SIGNER.register_algorithm("Ed25519", OKPAlgorithm())  # RFC 9864
KINDS = {"EC": ECKey, "OKP": OKPKey, "RSA": RSAKey}


def new_key(alg: str = "ES256") -> PrivateKeyTypes:
    """A private key for this algorithm."""
    if alg == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if alg in {"EdDSA", "Ed25519"}:
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_half(key: Any, alg: str = "ES256") -> dict[str, Any]:
    """The key as the header of a proof shows it."""
    public = SIGNER.get_algorithm_by_name(alg).to_jwk(key.public_key(), as_dict=True)
    return {k: v for k, v in public.items() if k in {"kty", "crv", "x", "y", "n", "e"}}


def proof_of(key: Any, *, method: str, address: str, nonce: str | None) -> str:
    """An honest proof by a P-256 key, for a request without a token (RFC 9449 §4.2)."""
    claims = {"jti": uuid.uuid4().hex, "htm": method, "htu": address, "iat": int(time.time())}
    said = json.dumps(claims if nonce is None else claims | {"nonce": nonce}).encode()
    header = {"typ": "dpop+jwt", "jwk": public_half(key)}
    return SIGNER.encode(said, key, algorithm="ES256", headers=header)


@dataclass
class Holder:
    """Who has a key, and remembers the nonce that it was told last."""

    client: FlaskClient
    alg: str = "ES256"
    key: Any = field(default=None, repr=False)
    nonce: str | None = None

    def __post_init__(self) -> None:
        self.key = self.key or new_key(self.alg)

    @property
    def jwk(self) -> dict[str, Any]:
        """The public half."""
        return public_half(self.key, self.alg)

    @property
    def thumbprint(self) -> str:
        """Its RFC 7638 thumbprint, by a reader that is not ours."""
        return str(KINDS[self.jwk["kty"]].import_key(self.jwk).thumbprint())

    def proof(
        self, method: str, path: str, *, token: str | None = None, **changed: Any
    ) -> dict[str, str]:
        """The header of RFC 9449 §4.1; a claim that is null is left out, `header` is joined in."""
        header = {"typ": "dpop+jwt", "jwk": self.jwk} | changed.pop("header", {})
        claims = {
            "jti": uuid.uuid4().hex,
            "htm": method,
            "htu": settings.current().issuer + path,
            "iat": int(time.time()),
            "nonce": self.nonce,
            "ath": None if token is None else ath(token),
            **changed,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        said = json.dumps(kept).encode()
        return {"DPoP": SIGNER.encode(said, self.key, algorithm=self.alg, headers=header)}

    def send(
        self, method: str, path: str, *, token: str | None = None, **sent: Any
    ) -> TestResponse:
        """A request with a proof; again with the nonce where one is asked for (§8)."""
        headers = sent.pop("headers", {})
        if token is not None:
            headers = headers | {"Authorization": f"DPoP {token}"}
        for _ in range(2):
            proof = self.proof(method, path, token=token)
            answer = self.client.open(path, method=method, headers=headers | proof, **sent)
            self.nonce = answer.headers.get("DPoP-Nonce", self.nonce)
            if "use_dpop_nonce" not in answer.get_data(as_text=True):
                break
        return answer


def ath(token: str) -> str:
    """RFC 9449 §4.2."""
    digest = hashlib.sha256(token.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def credentials(office: Office) -> dict[str, str]:
    """The header of whoever has a secret."""
    return office.played.basic() if office.played.secret else {}


def redeemed(office: Office, holder: Holder, code: Code, **changed: Any) -> TestResponse:
    """The code for tokens, with a proof."""
    form = {
        "grant_type": "authorization_code",
        "code": code.text,
        "redirect_uri": code.redirect_uri,
        "code_verifier": code.verifier,
        "client_id": office.played.client_id,
    }
    headers = credentials(office)
    return holder.send("POST", "/token", data=form | changed, headers=headers)


def bound(office: Office, holder: Holder, **told: Any) -> dict[str, Any]:
    """Tokens of a person, bound to the holder's key."""
    answer = redeemed(office, holder, office.authorize(lan(), **told))
    assert answer.status_code == 200, answer.json
    return dict(answer.json)


def refreshed(office: Office, holder: Holder | None, token: str) -> TestResponse:
    """The next refresh token; without a holder, without a proof."""
    form = {
        "grant_type": "refresh_token",
        "refresh_token": token,
        "client_id": office.played.client_id,
    }
    if holder is None:
        return office.client.post("/token", data=form, headers=credentials(office))
    return holder.send("POST", "/token", data=form, headers=credentials(office))
