"""The public services that clients of others play: one registration for each way of proving it."""

import json
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests import public_services
from tests.certified import Certificate, authority, certificate

SECRET = "a-secret-that-only-the-clients-of-others-know"
ALL_GRANTS = ["authorization_code", "refresh_token", "client_credentials"]
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
COUNTER = "urn:openid:params:grant-type:ciba"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
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
        self.certificate: Certificate | None = members.pop("shows", None)
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
            "tls": self.certificate and written(self.certificate),
        }


def written(shown: Certificate) -> Told:
    """A certificate and its key as programs read them."""
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    key = shown.key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    return {"cert": shown.made.public_bytes(pem).decode(), "key": key.decode()}


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
POLLS = {"backchannel_token_delivery_mode": "poll"}
PUBLIC = {"grant_types": ["authorization_code", "refresh_token"]}


ROOT = authority()
BY_KEY = "private_key_jwt"


def agencies() -> dict[str, Agency]:
    """All of them, by what is particular to each."""
    return plain() | signing() | sealed() | certified() | strict()


def plain() -> dict[str, Agency]:
    """Each proves itself in another way, or asks in another."""
    return {
        "basic": Agency(),
        "post": Agency("client_secret_post"),
        "ES256": Agency(BY_KEY, alg="ES256"),
        "PS256": Agency(BY_KEY, alg="PS256"),
        "EdDSA": Agency(BY_KEY, alg="EdDSA"),
        "app": Agency("none", application_type="native", **PUBLIC),
        "bound": Agency(dpop_bound_access_tokens=True),
        "pushing": Agency(BY_KEY, alg="ES256", require_pushed_authorization_requests=True),
        "counter": Agency(grant_types=[COUNTER], redirect_uris=[], **POLLS),
        "counter-key": Agency(
            BY_KEY, alg="ES256", grant_types=[COUNTER], redirect_uris=[], **POLLS
        ),
        "exchanging": Agency(grant_types=[*ALL_GRANTS, EXCHANGE]),
        "keeping": Agency(scope="openid grant_management_query grant_management_revoke"),
        "screen": Agency("none", **dict(PUBLIC, grant_types=[DEVICE]), redirect_uris=[]),
        "office-screen": Agency(BY_KEY, alg="ES256", grant_types=[*ALL_GRANTS, DEVICE]),
    }


def signing() -> dict[str, Agency]:
    """What they send or are told is signed."""
    of_all = {alg: dict.fromkeys(SIGNED, alg) for alg in ("PS256", "EdDSA")}
    of_ps256 = {"request_object_signing_alg": "PS256"} | of_all["PS256"]
    return {
        "signed": Agency(userinfo_signed_response_alg="ES256"),
        "RS256": Agency(id_token_signed_response_alg="RS256", userinfo_signed_response_alg="RS256"),
        "signing": Agency(BY_KEY, alg="ES256", require_signed_request_object=True),
        "all-PS256": Agency(BY_KEY, alg="PS256", **of_ps256),
        "all-EdDSA": Agency(BY_KEY, alg="EdDSA", **of_all["EdDSA"]),
    }


def sealed() -> dict[str, Agency]:
    """What they are told is encrypted to them."""
    of_all = {alg: dict.fromkeys(SIGNED, alg) for alg in ("ES256", "PS256", "EdDSA")}
    by_rsa, by_key = ("RSA-OAEP-256", "A128CBC-HS256"), ("ECDH-ES+A256KW", "A256GCM")
    return {
        "sealed": Agency(opens=("ECDH-ES", "A256GCM"), **of_all["ES256"]),
        "sealed-RSA": Agency(opens=by_rsa, **of_all["PS256"]),
        "sealed-key": Agency(BY_KEY, alg="EdDSA", opens=by_key, **of_all["EdDSA"]),
    }


def certified() -> dict[str, Agency]:
    """Their connections show a certificate."""
    bound = {"tls_client_certificate_bound_access_tokens": True}
    named, listed = certificate("CN=its own,C=VN", by=ROOT), certificate("CN=listed,C=VN")
    by_name = {"tls_client_auth_subject_dn": "CN=its own,C=VN"} | bound
    by_list = {"jwks": {"keys": [listed.jwk()]}} | bound
    return {
        "named": Agency("tls_client_auth", shows=named, **by_name),
        "listed": Agency("self_signed_tls_client_auth", shows=listed, **by_list),
        "bound-by-both": Agency(BY_KEY, alg="ES256", shows=named, **bound),
        "bound-app": Agency("none", shows=listed, application_type="native", **PUBLIC, **bound),
    }


def strict() -> dict[str, Agency]:
    """Those that chose the profile FAPI 2.0: by proofs, by certificates, and with all signed."""
    named = certificate("CN=strict,C=VN", by=ROOT)
    profile = {"profile": "fapi2", "grant_types": ALL_GRANTS[:2]}
    by_certificate = {
        "tls_client_auth_subject_dn": "CN=strict,C=VN",
        "tls_client_certificate_bound_access_tokens": True,
    }
    of_all = {"require_signed_request_object": True} | dict.fromkeys(SIGNED, "PS256")
    return {
        "strict": Agency(BY_KEY, alg="ES256", dpop_bound_access_tokens=True, **profile),
        "strict-named": Agency("tls_client_auth", shows=named, **by_certificate, **profile),
        "strict-signing": Agency(
            BY_KEY, alg="PS256", dpop_bound_access_tokens=True, **of_all, **profile
        ),
    }
