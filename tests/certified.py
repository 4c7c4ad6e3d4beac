"""Certificate authorities and the certificates of public services, as a proxy tells of them."""

import base64
import datetime as dt
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask
from flask.testing import FlaskClient
from jwt.algorithms import ECAlgorithm
from werkzeug.test import TestResponse

from identity import settings as settings_module
from identity.edge import Edge
from identity.registration.register import register
from identity.settings import Settings
from tests.offices import GRANT_TYPES, Office
from tests.public_services import Played, registration

SUBJECT = "CN=tax office,O=Sở Tài chính,C=VN"


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key as most certificates have it."""
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class Certificate:
    """A certificate with its private key."""

    made: x509.Certificate
    key: Any = field(repr=False)

    @property
    def content(self) -> bytes:
        """Its DER."""
        return self.made.public_bytes(Encoding.DER)

    @property
    def thumbprint(self) -> str:
        """RFC 8705 §3.1, `x5t#S256`."""
        digest = hashlib.sha256(self.content).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def jwk(self, kid: str = "c1") -> dict[str, Any]:
        """The key with its certificate, as a service lists it (RFC 8705 §2.2.2)."""
        public = ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {**public, "kid": kid, "x5c": [base64.b64encode(self.content).decode()]}


def told(*certificates: Certificate) -> dict[str, str]:
    """The headers of RFC 9440: the first, and what stands between it and an anchor."""
    items = [item(certificate.content) for certificate in certificates]
    headers = {"Client-Cert": items[0]}
    return headers | ({"Client-Cert-Chain": ", ".join(items[1:])} if items[1:] else {})


def item(content: bytes) -> str:
    """RFC 8941 §3.3.5."""
    return f":{base64.b64encode(content).decode()}:"


def certificate(
    subject: str = SUBJECT,
    *,
    by: Certificate | None = None,
    key: Any = None,
    days: tuple[float, float] = (-1, 30),
    more: tuple[x509.ExtensionType, ...] = (),
    is_authority: bool | None = False,
) -> Certificate:
    """One that `by` signed, or the key itself; null: it does not say whether it is an authority."""
    key = key or new_key()
    name, now = x509.Name.from_rfc4514_string(subject), dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(by.made.subject if by else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days[0]))
        .not_valid_after(now + dt.timedelta(days[1]))
    )
    for extension, is_critical in _usual(key, by, is_authority=is_authority):
        builder = builder.add_extension(extension, critical=is_critical)
    for extension in more:
        builder = builder.add_extension(extension, critical=False)
    signer = by.key if by else key
    algorithm = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return Certificate(builder.sign(signer, algorithm), key)


def _usual(
    key: Any, by: Certificate | None, *, is_authority: bool | None
) -> Iterator[tuple[x509.ExtensionType, bool]]:
    if is_authority is not None:
        yield x509.BasicConstraints(ca=is_authority, path_length=None), True
    if by is not None:
        yield x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key()), False
    if is_authority:
        yield x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False
        no = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
        )
        signs = {"digital_signature": False, "key_cert_sign": True, "crl_sign": True}
        yield x509.KeyUsage(encipher_only=False, decipher_only=False, **signs, **no), True


def authority(subject: str = "CN=authority,C=VN", *, by: Certificate | None = None) -> Certificate:
    """Somebody who signs certificates."""
    return certificate(subject, by=by, is_authority=True)


@contextmanager
def served_with(app: Flask, anchor: Certificate, folder: Path, **more: Any) -> Iterator[Settings]:
    """Inside, this machine is a trusted proxy and the anchor an authority for services."""
    before = settings_module.current()
    anchors = folder / "anchors.pem"
    anchors.write_bytes(anchor.made.public_bytes(Encoding.PEM))
    usual = {"trusted_proxies": (ip_network("127.0.0.1/32"),), "client_ca": anchors}
    found = replace(before, **(usual | more))
    edge: Any = app.wsgi_app
    settings_module.install(found)
    told: Any = Edge(found, edge._behind, lane=edge._lane)
    app.wsgi_app = told  # type: ignore[method-assign] # Flask's documented way
    try:
        yield found
    finally:
        settings_module.install(before)
        app.wsgi_app = edge  # type: ignore[method-assign] # as above


@dataclass
class CertifiedOffice(Office):
    """A service whose connections show a certificate."""

    shown: dict[str, str] = field(default_factory=dict)

    def post(self, path: str, **form: Any) -> TestResponse:
        """A form over its connection, with `client_id` as RFC 8705 §2 wants it."""
        form = {"client_id": self.played.client_id} | form
        sent = {name: value for name, value in form.items() if value is not None}
        return self.client.post(path, data=sent, headers=self.shown)

    def over(self, *certificates: Certificate) -> "CertifiedOffice":
        """The same service over another connection."""
        return CertifiedOffice(
            self.client, self.played, told(*certificates) if certificates else {}
        )

    def userinfo(self, access_token: str) -> TestResponse:
        """What userinfo says to that token over this connection."""
        headers = {"Authorization": f"Bearer {access_token}"} | self.shown
        return self.client.get("/userinfo", headers=headers)

    def of_itself(self) -> TestResponse:
        """A token for the service itself."""
        return self.post("/token", grant_type="client_credentials")


def certified(client: FlaskClient, *shown: Certificate, **members: Any) -> CertifiedOffice:
    """A new service that proves itself by its subject unless told otherwise."""
    usual = {
        "token_endpoint_auth_method": "tls_client_auth",
        "grant_types": GRANT_TYPES,
        "tls_client_auth_subject_dn": SUBJECT,
    }
    said = registration(**(usual | members))
    register([said])
    return CertifiedOffice(client, Played(said["client_id"]), told(*shown) if shown else {})


def self_signed(client: FlaskClient, shown: Certificate, **members: Any) -> CertifiedOffice:
    """A new service that listed this certificate itself."""
    usual = {
        "token_endpoint_auth_method": "self_signed_tls_client_auth",
        "tls_client_auth_subject_dn": None,
        "jwks": {"keys": [shown.jwk()]},
    }
    return certified(client, shown, **(usual | members))
