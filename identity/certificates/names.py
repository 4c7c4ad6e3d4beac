"""The one name that a service has in its certificate, RFC 8705 §2.1.2: to the letter."""

from collections.abc import Callable
from ipaddress import ip_address

from cryptography import x509
from cryptography.x509.oid import NameOID

from identity.certificates.shown import Shown

DN, DNS, URI, IP, EMAIL = MEMBERS = (
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
)
# RFC 4514 §3 names nine; these are the others that public certificates have.
_MORE = {
    "emailAddress": NameOID.EMAIL_ADDRESS,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER,
    "title": NameOID.TITLE,
    "GN": NameOID.GIVEN_NAME,
    "SN": NameOID.SURNAME,
}
Names = x509.SubjectAlternativeName


def check(member: str, value: str) -> None:
    """The value can stand in a certificate under that name.

    Raises:
        ValueError: it cannot; the text says what can.
    """
    if member == DN:
        _subject(value)
    elif member == IP:
        _address(value)
    elif member == DNS and ("*" in value or not value.isascii()):
        raise ValueError("must be one host in ASCII, without a wildcard")
    elif member == URI and ":" not in value:
        raise ValueError("must be a URI with its scheme")
    elif member == EMAIL and value.count("@") != 1:
        raise ValueError("must be an e-mail address")


def has(shown: Shown, member: str, *, value: str) -> bool:
    """Whether the certificate has exactly this name."""
    if member == DN:
        return shown.certificate.subject == _subject(value)
    try:
        names = shown.certificate.extensions.get_extension_for_class(Names).value
    except x509.ExtensionNotFound:
        return False
    return _ALTERNATIVES[member](names, value)


def _subject(value: str) -> x509.Name:
    """RFC 4514: the last of the certificate's parts is written first."""
    try:
        found = x509.Name.from_rfc4514_string(value, _MORE)
    except (ValueError, TypeError):
        raise ValueError("must be a subject as RFC 4514 writes it: CN=…,O=…,C=VN") from None
    if not found.rdns:
        raise ValueError("must not be empty")
    return found


def _address(value: str) -> object:
    try:
        return ip_address(value)
    except ValueError:
        raise ValueError("must be one IPv4 or IPv6 address") from None


def _has_host(names: Names, value: str) -> bool:
    return value.lower() in {name.lower() for name in names.get_values_for_type(x509.DNSName)}


def _has_uri(names: Names, value: str) -> bool:
    return value in names.get_values_for_type(x509.UniformResourceIdentifier)


def _has_address(names: Names, value: str) -> bool:
    return _address(value) in names.get_values_for_type(x509.IPAddress)


def _has_email(names: Names, value: str) -> bool:
    return value in names.get_values_for_type(x509.RFC822Name)


_ALTERNATIVES: dict[str, Callable[[Names, str], bool]] = {
    DNS: _has_host,
    URI: _has_uri,
    IP: _has_address,
    EMAIL: _has_email,
}
