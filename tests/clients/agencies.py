"""The public services that clients of others play: one registration for each way of proving it."""

import json
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests import public_services

SECRET = "a-secret-that-only-the-clients-of-others-know"
ALL_GRANTS = ["authorization_code", "refresh_token", "client_credentials"]
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
Told = dict[str, Any]


def private_jwk(alg: str) -> Told:
    """A new private key for this algorithm."""
    made: Any
    if alg == "ES256" or alg.startswith("ECDH"):
        made = ec.generate_private_key(ec.SECP256R1())
    elif alg == "EdDSA":
        made = ed25519.Ed25519PrivateKey.generate()
    else:
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    shaped = {"ECDH-ES": "ES256", "ECDH-ES+A256KW": "ES256", "RSA-OAEP-256": "PS256"}.get(alg, alg)
    told: Told = json.loads(jwt.get_algorithm_by_name(shaped).to_jwk(made))
    return {k: v for k, v in told.items() if k != "key_ops"} | {"alg": alg, "kid": f"its-{alg}"}


def public_half(jwk: Mapping[str, Any]) -> Told:
    """What a registration shows of a key."""
    secret = {"d", "p", "q", "dp", "dq", "qi"}
    use = "sig" if jwk["alg"] in {"ES256", "PS256", "EdDSA"} else "enc"
    return {k: v for k, v in jwk.items() if k not in secret} | {"use": use}


class Agency:
    """One public service: how it is registered, and what its client has to know."""

    def __init__(self, method: str = "client_secret_basic", **members: Any) -> None:
        self.key = private_jwk(members.pop("alg")) if "alg" in members else None
        opens, self.enc = members.pop("opens", (None, None))
        self.opens = opens and private_jwk(opens)
        keys = [public_half(key) for key in (self.key, self.opens) if key is not None]
        own = {"jwks": {"keys": keys}} if keys else {}
        for kind in ENCRYPTED if opens else ():
            own |= {f"{kind}_encrypted_response_alg": opens}
            own |= {f"{kind}_encrypted_response_enc": self.enc}
        self.registration = public_services.registration(
            token_endpoint_auth_method=method,
            client_secret=SECRET if method.startswith("client_secret") else None,
            **({"grant_types": ALL_GRANTS, "post_logout_redirect_uris": [LEFT]} | own | members),
        )

    def told(self) -> Told:
        """What its client starts with."""
        said = self.registration
        names = [name for name in said if name.endswith(("_response_alg", "_response_enc"))]
        return {
            "client_id": said["client_id"],
            "method": said["token_endpoint_auth_method"],
            "secret": said.get("client_secret"),
            "key": self.key,
            "redirect_uri": next(iter(said["redirect_uris"]), None),
            "post_logout_redirect_uri": LEFT,
            "metadata": dict.fromkeys(AS_EVER, "ES256") | {n: said[n] for n in names},
            "opens": self.opens and {"jwk": self.opens, "enc": self.enc},
        }


# What stands where a registration says nothing.
AS_EVER = ("id_token_signed_response_alg", "authorization_signed_response_alg")
LEFT = "https://agency.motlan.test/left"
SIGNED = (
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "authorization_signed_response_alg",
    "introspection_signed_response_alg",
)
ENCRYPTED = ("id_token", "userinfo", "authorization", "introspection")
PUBLIC = {"grant_types": ["authorization_code", "refresh_token"]}


def agencies() -> dict[str, Agency]:
    """All of them, by what is particular to each."""
    by_key = "private_key_jwt"
    return {
        "basic": Agency(),
        "post": Agency("client_secret_post"),
        "ES256": Agency(by_key, alg="ES256"),
        "PS256": Agency(by_key, alg="PS256"),
        "EdDSA": Agency(by_key, alg="EdDSA"),
        "app": Agency("none", application_type="native", **PUBLIC),
        "bound": Agency(dpop_bound_access_tokens=True),
        "pushing": Agency(by_key, alg="ES256", require_pushed_authorization_requests=True),
        "signed": Agency(userinfo_signed_response_alg="ES256"),
        "signing": Agency(by_key, alg="ES256", require_signed_request_object=True),
        "all-PS256": Agency(
            by_key,
            alg="PS256",
            request_object_signing_alg="PS256",
            **dict.fromkeys(SIGNED, "PS256"),
        ),
        "all-EdDSA": Agency(by_key, alg="EdDSA", **dict.fromkeys(SIGNED, "EdDSA")),
        "sealed": Agency(opens=("ECDH-ES", "A256GCM"), **dict.fromkeys(SIGNED, "ES256")),
        "sealed-RSA": Agency(
            opens=("RSA-OAEP-256", "A128CBC-HS256"), **dict.fromkeys(SIGNED, "PS256")
        ),
        "sealed-key": Agency(
            by_key,
            alg="EdDSA",
            opens=("ECDH-ES+A256KW", "A256GCM"),
            **dict.fromkeys(SIGNED, "EdDSA"),
        ),
        "screen": Agency("none", **dict(PUBLIC, grant_types=[DEVICE]), redirect_uris=[]),
        "office-screen": Agency(by_key, alg="ES256", grant_types=[*ALL_GRANTS, DEVICE]),
        "RS256": Agency(id_token_signed_response_alg="RS256", userinfo_signed_response_alg="RS256"),
    }
