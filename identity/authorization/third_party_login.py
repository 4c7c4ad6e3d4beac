"""Where a person starts at a public service, OpenID Connect Core §4."""

from urllib.parse import urlencode

from identity import settings
from identity.public_services.registered import Registered


def address(service: Registered, language: str) -> str | None:
    """A link that has the service send the person to us; null: nobody starts there.

    No `login_hint`: nothing personal is in a URL. The target is the page that it calls its own.
    """
    uri = service.initiate_login_uri
    if uri is None or not service.is_active:
        return None
    told = {"iss": settings.current().issuer}
    target = service.link("client_uri", language)
    told |= {} if target is None else {"target_link_uri": target}
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(told)}"
