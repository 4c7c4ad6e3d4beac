"""What an authorization request has to be, as a table (RFC 6749 §4.1.1, OIDC Core §3.1.2)."""

import re
from collections.abc import Callable

from identity.errors import InvalidRequest, InvalidScope, InvalidToken, Refusal, UnauthorizedClient
from identity.granted import approval
from identity.managed import asking
from identity.requested.wish import LIMITS, MODES, MOST_SCOPES, THUMBPRINT, Wish
from identity.tokens import pkce

PROMPTS = frozenset({"none", "login", "consent", "select_account"})


class UnsupportedResponseType(Refusal):
    """Only `code` is offered (RFC 6749 §4.1.2.1)."""

    code, slug = "unsupported_response_type", "unsupported-response-type"
    title = "The response type is not offered"


class RegistrationNotSupported(Refusal):
    """A service registers before it asks (OIDC Core §7.2.1)."""

    code, slug = "registration_not_supported", "registration-not-supported"
    title = "The registration parameter is not supported"


class Unmet(Refusal):
    """The authentication level that must be, cannot be (OpenID Connect Unmet Requirements §2)."""

    code, slug = "unmet_authentication_requirements", "unmet-authentication-requirements"
    title = "The sign-in cannot be as strong as is needed"


def check_once(wish: Wish) -> None:
    """RFC 6749 §3.1: a parameter that counts is sent once."""
    if wish.repeated:
        raise InvalidRequest(f"{wish.repeated[0]} must be sent only once")


def check_sizes(wish: Wish) -> None:
    """What is longer than anything honest is refused before it is read."""
    for name, value in wish.said.items():
        if len(value) > LIMITS[name]:
            raise InvalidRequest(f"{name} is longer than {LIMITS[name]} characters")


def check_request_object(wish: Wish) -> None:
    """RFC 9101 §7: what was wrong with it; §10.5: whoever registered to sign, always does."""
    if wish.fault is not None:
        raise wish.fault
    if wish.public_service.require_signed_request and not wish.in_object:
        raise InvalidRequest("this public service has to sign its requests: RFC 9101")


def check_registration(wish: Wish) -> None:
    """OIDC Core §7.2.1: said by name that it is not taken, not ignored."""
    if "registration" in wish.said:
        raise RegistrationNotSupported("register the public service first")


def check_pushed(wish: Wish) -> None:
    """RFC 9126 §6: whoever registered that it pushes its requests, sends no other."""
    if wish.public_service.require_pushed and wish.pushed is None:
        raise InvalidRequest("this public service has to push its requests: RFC 9126")


def check_grant_type(wish: Wish) -> None:
    """RFC 6749 §4.1.2.1: registered for the code grant."""
    if "authorization_code" not in wish.public_service.grant_types:
        raise UnauthorizedClient("this public service is not registered for authorization_code")


def check_response(wish: Wish) -> None:
    """RFC 9700 §2.1.2: a code, never in a fragment, and no token in the front channel."""
    if wish.said.get("response_type") is None:
        raise InvalidRequest("response_type is required")
    if wish.said["response_type"] != "code":
        raise UnsupportedResponseType("response_type is code")
    if wish.said.get("response_mode", MODES[0]) not in MODES:
        raise InvalidRequest("response_mode is one of " + ", ".join(MODES))
    modes = wish.public_service.response_modes
    if modes is not None and wish.response_mode not in modes:
        raise InvalidRequest("this public service is registered for other response modes")


def check_pkce(wish: Wish) -> None:
    """RFC 7636 §4.3, RFC 9700 §2.1.1: S256, for everybody who is not registered without it."""
    challenge, method = wish.code_challenge, wish.said.get("code_challenge_method")
    if challenge is None:
        if wish.public_service.require_pkce or wish.public_service.is_public or method is not None:
            raise InvalidRequest("code_challenge with code_challenge_method S256 is required")
    elif not pkce.is_challenge(challenge, method):
        raise InvalidRequest("code_challenge is 43 base64url characters, its method S256")


def check_sender_key(wish: Wish) -> None:
    """RFC 9449 §10: the thumbprint of a key, or nothing."""
    if wish.sender_key is not None and not re.fullmatch(THUMBPRINT, wish.sender_key):
        raise InvalidRequest("dpop_jkt is the SHA-256 thumbprint of a key: RFC 7638")


def check_scope(wish: Wish) -> None:
    """OIDC Core §3.1.2.1: every request here is one of OpenID Connect."""
    if len(wish.scope_values) > MOST_SCOPES:
        raise InvalidScope(f"at most {MOST_SCOPES} scopes are read")
    if "openid" not in wish.scopes:
        raise InvalidScope("scope must contain openid")


def check_prompt(wish: Wish) -> None:
    """OIDC Core §3.1.2.1: known values, and `none` alone."""
    if wish.prompts - PROMPTS:
        raise InvalidRequest("prompt is none, login, consent or select_account")
    if wish.is_silent and len(wish.prompts) > 1:
        raise InvalidRequest("prompt none stands alone")


def check_max_age(wish: Wish) -> None:
    """Reading it is the check."""
    _ = wish.max_age_seconds


def check_hints(wish: Wish) -> None:
    """OIDC Core §3.1.2.1: a hint is an ID token of ours, for this public service, old or not."""
    try:
        _ = wish.subject
    except InvalidToken as refusal:
        raise InvalidRequest("id_token_hint is not an ID token of ours", note="hint") from refusal


def check_acr(wish: Wish) -> None:
    """OIDC Core §5.5.1.1: what must be and cannot be is said before anybody signs in."""
    if not wish.acr.is_possible:
        raise Unmet("no sign-in here reaches the acr that is essential")


def check_resources(wish: Wish) -> None:
    """RFC 8707 §2; reading them is the check."""
    _ = wish.resources


def check_details(wish: Wish) -> None:
    """RFC 9396 §5, and what no citizen should be asked (`approval`)."""
    of = wish.public_service.procedures
    approval.asked().check(wish.details, wish.scopes, of=of)


def check_grant(wish: Wish) -> None:
    """Grant Management §5.4: it names a grant that this service may manage."""
    asking.check(wish.said, wish.public_service)


RULES: tuple[Callable[[Wish], None], ...] = (
    check_once,
    check_sizes,
    check_request_object,
    check_registration,
    check_pushed,
    check_grant_type,
    check_response,
    check_pkce,
    check_sender_key,
    check_scope,
    check_prompt,
    check_max_age,
    check_hints,
    check_acr,
    check_resources,
    check_details,
    check_grant,
)
# Of a request without a browser: there is no way back, and nothing travels in the open.
POLLED_RULES = (check_once, check_sizes, check_scope, check_acr, check_resources, check_details)


def check(wish: Wish) -> None:
    """Every rule holds, in the order of the table.

    Raises:
        Refusal: the first that does not; it goes back to the public service.
    """
    for rule in RULES if wish.polled is None else POLLED_RULES:
        rule(wish)
