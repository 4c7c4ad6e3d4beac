"""Whether a certificate authority of `MOTLAN_CLIENT_CA` vouches for a certificate (RFC 5280 §6).

We check the path ourselves, whatever the proxy checked: it may ask for any certificate, since
those that a service signed itself come the same way (RFC 8705 §2.2).
"""

from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, Policy

from identity import clock, settings
from identity.certificates.shown import MOST, Shown

LEAST_RSA_BITS, LEAST_CURVE_BITS = 2048, 256
WARNED = timedelta(days=30)  # before an authority ends
_FOR_CLIENTS = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}


def is_vouched_for(shown: Shown) -> bool:
    """Whether a path leads from the certificate to an anchor of ours, now, for a client.

    False too where there are no anchors.
    """
    anchors = settings.current().client_ca
    if anchors is None or not _is_strong(shown.certificate):
        return False
    builder = verification.PolicyBuilder().store(_store(anchors)).time(clock.now())
    verifier = (
        builder.max_chain_depth(MOST)
        .extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=_OF_CLIENTS)
        .build_client_verifier()
    )
    try:
        verifier.verify(shown.certificate, list(shown.chain))
    except verification.VerificationError:
        return False
    return True


def fault() -> str | None:
    """What an operator should know of the anchors before services find out; null: nothing."""
    anchors = settings.current().client_ca
    if anchors is None:
        return None
    first = min(one.not_valid_after_utc for one in _anchors(anchors))
    if first - clock.now() > WARNED:
        return None
    return f"an authority in {anchors} ends at {clock.minute(first)}: its services need another"


@lru_cache(maxsize=4)
def _store(anchors: Path) -> verification.Store:
    return verification.Store(_anchors(anchors))


def _anchors(anchors: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(anchors.read_bytes())


def _for_clients(
    _policy: Policy, _certificate: x509.Certificate, usage: x509.ExtendedKeyUsage | None
) -> None:
    if usage is not None and not _FOR_CLIENTS & set(usage):
        raise ValueError("not for clients")  # RFC 5280 §4.2.1.12


def _no_authority(
    _policy: Policy, _certificate: x509.Certificate, basic: x509.BasicConstraints | None
) -> None:
    if basic is not None and basic.ca:
        raise ValueError("an authority is no client")


# A client has no host name to be reached at, so unlike on the web no alternative name is wanted.
_OF_CLIENTS = (
    ExtensionPolicy.permit_all()
    .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _for_clients)
    .may_be_present(x509.BasicConstraints, Criticality.AGNOSTIC, _no_authority)
)


def _is_strong(certificate: x509.Certificate) -> bool:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= LEAST_RSA_BITS
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.curve.key_size >= LEAST_CURVE_BITS
    return isinstance(key, ed25519.Ed25519PublicKey)
