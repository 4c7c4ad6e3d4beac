"""How a public service proves itself by the certificate of its connection, RFC 8705 §2."""

from identity import settings
from identity.certificates import listed, names, shown, trust
from identity.certificates.shown import Shown, UnreadableCertificateError
from identity.doors import Request
from identity.public_services import service_keys
from identity.public_services.registered import Registered
from identity.settings import Settings

BY_AUTHORITY, SELF_SIGNED = "tls_client_auth", "self_signed_tls_client_auth"
METHODS = (BY_AUTHORITY, SELF_SIGNED)


def offered(here: Settings | None = None) -> tuple[str, ...]:
    """What works here: somebody has to tell of certificates, and somebody to vouch for them."""
    here = here or settings.current()
    if not here.takes_certificates:
        return ()
    return METHODS if here.client_ca is not None else (SELF_SIGNED,)


def fault(service: Registered, request: Request) -> str | None:
    """Why the certificate of the connection is not the service's; null: it is."""
    try:
        found = shown.find(request)
    except UnreadableCertificateError as odd:
        return f"certificate: {odd}"
    if found is None:
        return "certificate: none shown"
    is_its = _PROOFS[service.auth_method]
    return None if is_its(found, service) else "certificate: another"


def _is_vouched_for(found: Shown, service: Registered) -> bool:
    """RFC 8705 §2.1: a path to an anchor of ours, and the one name that was registered."""
    if service.certificate_name is None:
        return False
    member, value = service.certificate_name
    return names.has(found, member, value=value) and trust.is_vouched_for(found)


def _is_listed(found: Shown, service: Registered) -> bool:
    """RFC 8705 §2.2: one of those the service listed itself; a changed list is fetched."""
    if listed.is_among(found, service_keys.keys(service, None)):
        return True
    if service.jwks_uri is None:
        return False
    service_keys.keys(service, found.key)  # a name that no key has: at most one fetch a minute
    return listed.is_among(found, service_keys.keys(service, None))


_PROOFS = {BY_AUTHORITY: _is_vouched_for, SELF_SIGNED: _is_listed}
