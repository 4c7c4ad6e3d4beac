"""Demonstrating proof of possession, RFC 9449 §4: what a DPoP header proves, and that once.

A nonce of ours is always asked for, so that no proof can be made in advance (§11.2).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import jwt
from joserfc.jwk import KeySet

from identity import clock, jws, settings, single_use
from identity.binding import nonces, places, records
from identity.doors import Request
from identity.errors import Refusal
from identity.messages import Headers
from identity.public_services import service_keys
from identity.together import Answer, Clause, together

TYPE = "dpop+jwt"
ALGORITHMS = ("ES256", "PS256", "EdDSA", "Ed25519")
OLDEST_SECONDS, AHEAD_SECONDS = 60, 30
KEPT = timedelta(seconds=OLDEST_SECONDS + AHEAD_SECONDS)  # from when it was made: as it is good
LONGEST = 8_192  # characters
LONGEST_NAME = 256  # of a jti
REFUSED = "the DPoP proof is not valid for this request"
_KINDS = {
    "ES256": ("EC", "P-256"),
    "PS256": ("RSA", None),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}
# RFC 7515 §4.1.11: no extension is understood. A key stands in the header itself, nowhere else.
_UNWANTED = frozenset({"crit", "b64", "jku", "x5u", "x5c"})
# RFC 9864 §2.2: EdDSA under its newer name, which PyJWT does not know yet.
_OLDER = {"Ed25519": "EdDSA"}


class InvalidDpopProof(Refusal):
    """The proof is missing, or is not one for this request (RFC 9449 §5)."""

    code, slug = "invalid_dpop_proof", "invalid-dpop-proof"
    title = "The DPoP proof is not valid"


class UseDpopNonce(Refusal):
    """The proof has no nonce of ours, or an old one; the answer brings a new one (§8)."""

    code, slug = "use_dpop_nonce", "use-dpop-nonce"
    title = "The DPoP proof needs a nonce"


class ProofRefused(InvalidDpopProof):
    """The same where a token is used (RFC 9449 §7.1)."""

    status = 401


class NonceWanted(UseDpopNonce):
    """The same where a token is used (RFC 9449 §9)."""

    status = 401


@dataclass(slots=True)
class Proof:
    """Whoever sent this request holds the private half of this key. Good once: spend it."""

    key: str  # its RFC 7638 thumbprint, `jkt`
    headers: Headers = ()  # the next nonce, where this one gets old
    unspent: "_Unspent | None" = None  # null: it is spent, or proves itself each time

    def spend(self) -> None:
        """From now on nobody can use it again, whatever the request comes to.

        Raises:
            InvalidDpopProof: somebody did before.
        """
        if self.unspent is not None and not self.unspent.spend():
            raise _refused("used before")
        self.unspent = None

    def spend_beside(self, *clauses: Clause, after: str) -> Answer | None:
        """The clauses run, and it is spent in their statement: both, or neither, which is null.

        `after` names the clause that writes. Whoever gets null calls `spend` before anything
        else, which tells whether the proof was the reason.
        """
        if self.unspent is None:
            return together(*clauses)
        answer = together(*clauses, *records.spent_beside(self.unspent.params, after=after))
        if answer is not None:
            self.unspent = None
        return answer


@dataclass(frozen=True, slots=True)
class _Unspent:
    request: Request
    digest: bytes
    until: datetime

    @property
    def params(self) -> Mapping[str, Any]:
        """What the clauses want to know."""
        return records.proof(self.digest, self.until)

    def spend(self) -> bool:
        """Whether nobody did before."""
        return single_use.spend(self.request, self.digest, by=records.spent(self.params))


def find(request: Request) -> Proof | None:
    """What the request proves to an endpoint that gives tokens, and that once; null: nothing.

    Raises:
        InvalidDpopProof: it tries in vain: forged, late, for another request, or used before.
        UseDpopNonce: its nonce is none of ours, or old.
    """
    proof = shown(request)
    if proof is not None:
        proof.spend()
    return proof


def shown(request: Request) -> Proof | None:
    """The same, not spent yet: whoever calls sees to that before anything leaves.

    Raises:
        InvalidDpopProof, UseDpopNonce: as `find`.
    """
    text = request.header("DPoP")
    return None if text is None else _proved(request, text, token=None)


def prove(request: Request, *, token: str) -> Proof:
    """What the request proves where it uses this token (RFC 9449 §7).

    Raises:
        ProofRefused: as InvalidDpopProof, or made for another token.
        NonceWanted: as UseDpopNonce.
    """
    try:
        proof = _proved(request, request.header("DPoP") or "", token=token)
        proof.spend()
    except InvalidDpopProof as fault:
        raise ProofRefused(fault.detail, note=fault.note) from None
    except UseDpopNonce as fault:
        raise NonceWanted(fault.detail, note=fault.note, headers=fault.headers) from None
    return proof


def _proved(request: Request, text: str, *, token: str | None) -> Proof:
    claims, key = _read(text)
    _check_request(claims, request, token=token)
    until = _made_at(claims) + KEPT
    age = _nonce_age(claims)
    headers = nonces.offer() if age > nonces.RENEWED_AFTER else ()
    digest = _digest(key, claims.get("jti"))
    is_spent = single_use.is_own(request, digest)
    return Proof(key, headers, None if is_spent else _Unspent(request, digest, until))


def _read(text: str) -> tuple[Mapping[str, Any], str]:
    """What it claims, and the thumbprint of the key that signed it."""
    try:
        header, payload = jws.parts(text, longest=LONGEST)
        signer, claims = _signer(header), jws.members(payload)
    except ValueError:
        raise _refused("not a compact JWS") from None
    key = signer.key
    if not jws.is_signed(text, lambda message, raw: key.Algorithm.verify(message, key.key, raw)):
        raise _refused("key or signature")
    return claims, signer.thumbprint


@dataclass(frozen=True, slots=True)
class _Signer:
    key: jwt.PyJWK
    thumbprint: str


@lru_cache(maxsize=1024)
def _signer(encoded_header: str) -> _Signer:
    """Whose proof this is the header of: a fact about these very bytes, so it may be kept.

    Raises:
        ValueError: it is no header at all.
        InvalidDpopProof: it is none that we take, or has no key of the kind that it says.
    """
    header = jws.members(encoded_header)
    if _UNWANTED & header.keys() or header.get("typ") != TYPE:
        raise _refused("typ, or a header that we do not take")
    alg, jwk = header.get("alg"), header.get("jwk")
    if alg not in ALGORITHMS or not isinstance(jwk, dict):
        raise _refused("alg or jwk")
    try:
        return _parsed(jwk, alg)
    except (service_keys.NotPublicKeysError, jwt.PyJWTError):
        raise _refused("key or signature") from None


def _parsed(jwk: Mapping[str, Any], alg: str) -> _Signer:
    said = dict(jwk)
    if said.pop("alg", alg) != alg:
        raise service_keys.NotPublicKeysError("a key for another algorithm")
    (told,) = service_keys.public_keys({"keys": [said]}, [service_keys.SIGNATURE])
    if (told.get("kty"), told.get("crv")) != _KINDS[alg]:
        raise service_keys.NotPublicKeysError("another kind of key")
    thumbprint = KeySet.import_key_set({"keys": [dict(told)]}).keys[0].thumbprint()
    return _Signer(jwt.PyJWK(dict(told), algorithm=_OLDER.get(alg, alg)), str(thumbprint))


def _check_request(claims: Mapping[str, Any], request: Request, *, token: str | None) -> None:
    """RFC 9449 §4.3: this method, this address, and this token."""
    if claims.get("htm") != request.method:
        raise _refused("htm")
    here = settings.current().origin(request.header("Host")) + request.path
    told = claims.get("htu")
    if told != here and not places.is_same(told, here):
        raise _refused("htu")
    if token is not None and claims.get("ath") != hash_of(token):
        raise _refused("ath")


def hash_of(token: str) -> str:
    """The access token as a proof names it: `ath`, RFC 9449 §4.2."""
    return jws.base64url(hashlib.sha256(token.encode()).digest()).decode()


def _made_at(claims: Mapping[str, Any]) -> datetime:
    told, now = claims.get("iat"), clock.now().timestamp()
    if not isinstance(told, int | float):
        raise _refused("iat")
    if not now - OLDEST_SECONDS <= told <= now + AHEAD_SECONDS:
        raise _refused("iat")
    return datetime.fromtimestamp(int(told), UTC)


def _nonce_age(claims: Mapping[str, Any]) -> timedelta:
    told = claims.get("nonce")
    age = nonces.age(told) if isinstance(told, str) and len(told) <= LONGEST_NAME else None
    if age is None:
        raise UseDpopNonce(
            "make the proof again with the nonce of the header DPoP-Nonce",
            note="dpop: nonce",
            headers=nonces.offer(),
        )
    return age


def _digest(key: str, jti: object) -> bytes:
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_NAME or not jti.isprintable():
        raise _refused("jti")
    return hashlib.sha256(f"{key}\x1f{jti}".encode()).digest()


def _refused(note: str) -> InvalidDpopProof:
    return InvalidDpopProof(REFUSED, note=f"dpop: {note}")
