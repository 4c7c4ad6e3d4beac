"""Proof Key for Code Exchange, RFC 7636 §4: S256 only."""

import hashlib
import hmac
import re

from identity import jws

METHODS = ("S256",)  # `plain` protects against nothing that S256 does not: RFC 9700 §2.1.1

VERIFIER, CHALLENGE = r"[A-Za-z0-9\-._~]{43,128}", r"[A-Za-z0-9\-_]{43}"
_VERIFIER = re.compile(VERIFIER)
_CHALLENGE = re.compile(CHALLENGE)


def is_challenge(challenge: str, method: str | None) -> bool:
    """An S256 challenge as §4.2 makes it. An absent method would mean `plain`, §4.3: refused."""
    return method in METHODS and _CHALLENGE.fullmatch(challenge) is not None


def is_verifier(verifier: str) -> bool:
    """43 to 128 unreserved characters, §4.1."""
    return _VERIFIER.fullmatch(verifier) is not None


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier, §4.2."""
    return jws.base64url(hashlib.sha256(verifier.encode()).digest()).decode()


def is_proved(challenge: str, verifier: str | None) -> bool:
    """Whoever has the verifier asked with this challenge, §4.6; compared in constant time."""
    if verifier is None or not is_verifier(verifier):
        return False
    return hmac.compare_digest(challenge_of(verifier).encode(), challenge.encode())
