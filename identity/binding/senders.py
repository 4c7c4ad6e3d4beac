"""Whom tokens are bound to: a key that proves itself (RFC 9449) or a certificate (RFC 8705)."""

from identity.binding import dpop
from identity.binding.dpop import InvalidDpopProof, Proof
from identity.certificates import shown
from identity.certificates.shown import UnreadableCertificateError
from identity.doors import Request
from identity.errors import InvalidRequest
from identity.public_services.registered import Registered


def find(request: Request, service: Registered) -> Proof | None:
    """What the tokens of this request will be bound to, not spent yet; null: to nothing.

    Raises:
        InvalidDpopProof: a proof that is none, or none where this service's tokens need one.
        UseDpopNonce: its nonce is none of ours, or old.
        InvalidRequest: the service's tokens are bound to its certificate, and none was shown, or
            a proof as well.
    """
    if service.certificate_bound:
        return _of_certificate(request)
    proof = dpop.shown(request)
    if proof is None and service.dpop_bound:  # RFC 9449 §5.2
        raise InvalidDpopProof("the tokens of this public service are bound: send a DPoP proof")
    return proof


def _of_certificate(request: Request) -> Proof:
    if request.header("DPoP") is not None:
        # Bound to one of the two, and the registration says which: nobody is to guess.
        raise InvalidRequest("the tokens of this public service are bound to its certificate alone")
    key = certificate_key(request)
    if key is None:
        raise InvalidRequest("the tokens of this public service are bound: show its certificate")
    return Proof(key)


def certificate_key(request: Request) -> str | None:
    """The certificate of the connection, as tokens are bound to it; null: none that is one."""
    try:
        found = shown.find(request)
    except UnreadableCertificateError:
        return None
    return None if found is None else found.key
