"""Access tokens (RFC 9068) and ID tokens (OpenID Connect Core §2): what they say, both ways."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from identity import clock, jws, settings
from identity.certificates.shown import KIND
from identity.errors import InvalidToken
from identity.signing import keys
from identity.signing.algorithms import ALGORITHMS, half_hash

# Whoever verifies offline sees at most this much of the past (design §3).
LIFETIME_SECONDS = 5 * 60


def new_token_id() -> str:
    """A `jti` that nobody can guess: 128 random bits."""
    return jws.base64url(os.urandom(16)).decode()


def now_seconds() -> int:
    """Now, in seconds since 1970."""
    return int(clock.seconds())  # the wire counts whole seconds


@dataclass(frozen=True, kw_only=True)
class AccessToken:
    """What an access token says, in the country's words; the wire's stand in `_to_claims`."""

    audience: str
    subject: str  # the pairwise `sub`; the public service's own id in client credentials
    public_service: str
    reference: str | None = None  # `vn_ref`, sealed elsewhere; null: nobody's data, no citizen
    scopes: tuple[str, ...] = ()
    details: tuple[Mapping[str, Any], ...] = ()  # granted `authorization_details`, RFC 9396 §7
    authenticated_at: datetime | None = None  # null: no citizen signed in
    assurance: str | None = None  # `acr`, vn:auth:1 to 4
    account_level: int | None = None
    confirmation: Mapping[str, str] | None = None  # `cnf`; null: whoever bears it may use it
    actor: str | None = None  # pairwise `sub` of who acts; null: the subject
    token_id: str = field(default_factory=new_token_id)
    issued_at_seconds: int = field(default_factory=now_seconds)  # since 1970, as the wire counts
    lifetime_seconds: int = LIFETIME_SECONDS

    @property
    def ends_at_seconds(self) -> int:
        """From when on nobody takes it."""
        return self.issued_at_seconds + self.lifetime_seconds

    @property
    def ends_at(self) -> datetime:
        """The same as a moment."""
        return datetime.fromtimestamp(self.ends_at_seconds, UTC)


@dataclass(frozen=True, kw_only=True)
class IdToken:
    """What an ID token says about one sign-in."""

    public_service: str
    subject: str
    authenticated_at: datetime
    assurance: str
    methods: tuple[str, ...]  # `amr`, RFC 8176
    session: str  # `sid`, the same in the logout token
    account_level: int | None = None
    nonce: str | None = None  # null: none was sent, so none is said
    access_token: str | None = None  # null: none is issued beside it
    code: str | None = None  # null: it did not travel with the code
    state_hash: str | None = None  # `s_hash`; null: the request had no state
    actor: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)  # asked for by the `claims` parameter


@dataclass(frozen=True)
class Hint:
    """What an ID token that came back says: who signed in, where, in which browser session."""

    public_service: str
    subject: str
    session: str
    authenticated_at: datetime


def sign_access_token(token: AccessToken) -> str:
    """The token as it is sent: a JWT of type `at+jwt`, RFC 9068 §2.1."""
    return keys.sign(_to_claims(token), typ=keys.ACCESS_TOKEN)


def begun(token: AccessToken) -> bytes:
    """How the claims begin of all tokens that say the same; `sign_begun` ends them."""
    same = {name: told for name, told in _to_claims(token).items() if name not in _OWN}
    return jws.compact(same)[:-1]


def sign_begun(beginning: bytes) -> str:
    """One of those tokens as it is sent, with an id and times of its own."""
    own = new_token_id().encode(), (now := now_seconds()), now + LIFETIME_SECONDS
    return keys.sign(beginning + b',"jti":"%b","iat":%d,"exp":%d}' % own, typ=keys.ACCESS_TOKEN)


_OWN = frozenset({"jti", "iat", "exp"})


def read_access_token(text: str, *, audiences: Collection[str]) -> AccessToken:
    """What a token of ours says, if it is in time and for one of these audiences.

    That it is alive, is for the statement of the request to decide (design §3).

    Raises:
        InvalidToken: it is anything else.
    """
    return _access_token(keys.verified(text, typ=keys.ACCESS_TOKEN, audience=audiences))


@lru_cache(maxsize=keys.REMEMBERED)
def _access_token(signed: keys.Signed) -> AccessToken:
    """What it says in the country's words: as lasting a fact as that we signed it."""
    claims = signed.claims
    return AccessToken(
        audience=claims["aud"],
        subject=claims["sub"],
        public_service=claims["client_id"],
        reference=claims.get("vn_ref"),
        scopes=tuple(claims.get("scope", "").split()),
        details=tuple(claims.get("authorization_details", ())),
        authenticated_at=_from_wire(claims.get("auth_time")),
        assurance=claims.get("acr"),
        account_level=claims.get("vn_account_level"),
        confirmation=claims.get("cnf"),
        actor=claims.get("act", {}).get("sub"),
        token_id=claims["jti"],
        issued_at_seconds=claims["iat"],
        lifetime_seconds=claims["exp"] - claims["iat"],
    )


def bound_to(sender_key: str | None) -> Mapping[str, str] | None:
    """What a token says of the key or certificate that it is bound to, by its thumbprint.

    RFC 9449 §6.1, RFC 8705 §3.1. A certificate's is written with its kind in front.
    """
    if sender_key is None:
        return None
    kind, _, thumbprint = sender_key.rpartition(":")
    return {kind or "jkt": thumbprint}


def kind_of(sender_key: str | None) -> str:
    """How a token of this key is used: its `token_type`.

    A certificate comes with the connection, so its token goes as a bearer's (RFC 8705 §3).
    """
    return "Bearer" if sender_key is None or is_certificate(sender_key) else "DPoP"


def is_certificate(sender_key: str | None) -> bool:
    """Whether it is a certificate that the token is bound to."""
    return sender_key is not None and sender_key.startswith(f"{KIND}:")


def sender_key(token: AccessToken) -> str | None:
    """The thumbprint of the key or certificate that the token is bound to; null: to none.

    Raises:
        InvalidToken: it is bound to something that we cannot ask to prove itself.
    """
    if token.confirmation is None:
        return None
    if token.confirmation.keys() == {KIND}:
        return f"{KIND}:{token.confirmation[KIND]}"
    if token.confirmation.keys() != {"jkt"}:
        raise InvalidToken("the token is not valid", note="token: bound to what we do not know")
    return token.confirmation["jkt"]


def require_sender(token: AccessToken, proved: str | None) -> None:
    """Whoever proved this key may use the token; without a key, whoever bears it.

    Raises:
        InvalidToken: it is bound to another key, or to one and none was proved; or to none, and
            one was (RFC 9449 §7.1): nobody is to think that it is protected.
    """
    if sender_key(token) != proved:
        raise InvalidToken("the token is not valid", note="token: bound to another key, or none")


def sign_id_token(token: IdToken, *, alg: str = "ES256") -> str:
    """The token as it is sent, under the algorithm that the public service registered."""
    now = now_seconds()
    claims = {
        **token.claims,  # first: a claim that was asked for never replaces one of these
        "iss": settings.current().issuer,
        "sub": token.subject,
        "aud": token.public_service,
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
        "auth_time": _to_wire(token.authenticated_at),
        "acr": token.assurance,
        "amr": token.methods,
        "sid": token.session,
        "nonce": token.nonce,
        "at_hash": token.access_token and half_hash(token.access_token, alg),
        "c_hash": token.code and half_hash(token.code, alg),
        "s_hash": token.state_hash,
        "vn_account_level": token.account_level,
        "act": token.actor and {"sub": token.actor},
    }
    return keys.sign(_said(claims), typ=keys.ID_TOKEN, alg=alg)


def sign_userinfo(claims: Mapping[str, Any], *, public_service: str, alg: str) -> str:
    """The claims as that public service registered to get them: OIDC Core §5.3.2."""
    told = {**claims, "iss": settings.current().issuer, "aud": public_service}
    return keys.sign(told, typ=keys.USERINFO, alg=alg)


def sign_answer(params: Mapping[str, str], *, public_service: str, alg: str) -> str:
    """The answer of `/authorize` as that public service asked to get it: JARM §2.1."""
    about = {"iss": settings.current().issuer, "aud": public_service}
    times = {"iat": (now := now_seconds()), "exp": now + LIFETIME_SECONDS}
    return keys.sign({**params, **about, **times}, typ=keys.ANSWER, alg=alg)


def sign_introspection(answer: Mapping[str, Any], *, public_service: str, alg: str) -> str:
    """What a token is worth, said to that public service alone: RFC 9701 §5."""
    told = {
        "iss": settings.current().issuer,
        "aud": public_service,
        "iat": now_seconds(),
        "token_introspection": _said(answer),
    }
    return keys.sign(told, typ=keys.INTROSPECTION, alg=alg)


def read_id_token_hint(text: str) -> Hint:
    """What an ID token of ours says that came back as a hint; it may be over.

    OpenID Connect RP-Initiated Logout §2: whose `exp` has passed is still accepted.

    Raises:
        InvalidToken: we did not sign it, or not as an ID token.
    """
    claims = keys.read_signed(text, typ=keys.ID_TOKEN, algorithms=ALGORITHMS)
    if claims.get("iss") != settings.current().issuer:
        raise InvalidToken("the hint is not valid", note="hint: iss")
    return Hint(
        public_service=claims["aud"],
        subject=claims["sub"],
        session=claims["sid"],
        authenticated_at=datetime.fromtimestamp(claims["auth_time"], UTC),
    )


def _to_claims(token: AccessToken) -> dict[str, Any]:
    claims = {
        "iss": settings.current().issuer,
        "aud": token.audience,
        "sub": token.subject,
        "client_id": token.public_service,
        "jti": token.token_id,
        "iat": token.issued_at_seconds,
        "exp": token.ends_at_seconds,
    }
    if token.scopes:
        claims["scope"] = " ".join(token.scopes)
    if token.confirmation is not None:
        claims["cnf"] = token.confirmation
    return claims if token.reference is None else claims | _of_person(token)


def _of_person(token: AccessToken) -> dict[str, Any]:
    at = token.authenticated_at
    return _said(
        {
            "vn_ref": token.reference,
            "auth_time": None if at is None else _to_wire(at),
            "acr": token.assurance,
            "vn_account_level": token.account_level,
            "authorization_details": token.details or None,
            "act": None if token.actor is None else {"sub": token.actor},
        }
    )


def _said(claims: Mapping[str, Any]) -> dict[str, Any]:
    # A claim without a value is left out: null would be a value.
    return {name: value for name, value in claims.items() if value is not None}


def _to_wire(at: datetime) -> int:
    return int(at.timestamp())


def _from_wire(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
