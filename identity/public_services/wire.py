"""What `services import` reads: metadata of RFC 7591 §2, OIDC Registration §2, and ours."""

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import (
    RAISE,
    Schema,
    ValidationError,
    fields,
    post_load,
    validate,
    validates,
    validates_schema,
)

from identity.public_services import addresses, client_assertion, service_keys
from identity.public_services.credentials import ASSERTION, NONE, OFFERED, WITH_SECRET
from identity.public_services.records import Block, Level
from identity.public_services.registered import EVERY_SCOPE

MOST_ADDRESSES = 50
_CODE = validate.Regexp(
    r"[A-Z0-9]+(\.[A-Z0-9]+)*\Z", error="must be capital letters and digits, in parts with dots"
)
_HIDDEN_KINDS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def _readable(text: str) -> None:
    """No invisible character: a name must not look like another one on a decision page."""
    if any(unicodedata.category(mark) in _HIDDEN_KINDS for mark in text) or text != text.strip():
        raise ValidationError("has an invisible character")


def _address(text: str) -> None:
    _check_address(text, https_only=False)


def _check_address(text: str, *, https_only: bool) -> None:
    try:
        addresses.check(text, https_only=https_only)
    except addresses.BadAddressError as fault:
        raise ValidationError(str(fault)) from None


def _once(values: list[str]) -> None:
    if len(set(values)) != len(values):
        raise ValidationError("has a value twice")


class Text(fields.String):
    """One line that people will read, composed (NFC)."""

    def __init__(self, longest: int = 200, **more: Any) -> None:  # noqa: ANN401 - marshmallow's
        checks: list[Callable[[Any], Any]] = [
            validate.Length(min=1, max=longest),
            _readable,
        ]
        super().__init__(validate=checks, **more)

    def _deserialize(self, value: Any, *where: Any, **more: Any) -> Any:  # noqa: ANN401 - marshmallow's
        return unicodedata.normalize("NFC", super()._deserialize(value, *where, **more))


def _words(allowed: Any, **more: Any) -> fields.List[str]:  # noqa: ANN401 - a validator or several
    return fields.List(fields.String(validate=allowed), validate=_once, **more)


def _choice(*allowed: str, **more: Any) -> fields.String:  # noqa: ANN401 - marshmallow's
    return fields.String(validate=validate.OneOf(allowed), **more)


def _addresses() -> fields.List[str]:
    checks: list[Callable[[Any], Any]] = [validate.Length(max=MOST_ADDRESSES), _once]
    return fields.List(fields.String(validate=_address), validate=checks, load_default=list)


def _link() -> fields.String:
    return fields.String(validate=_address)


class Strict(Schema):
    """A member that nobody knows is refused by its name."""

    class Meta:
        """Marshmallow's options."""

        unknown = RAISE


class OrganisationSchema(Strict):
    """The agency behind the service."""

    name = Text(required=True)
    code = fields.String(required=True, validate=[validate.Length(max=35), _CODE])
    level = _choice(*Level, required=True)
    block = _choice(*Block, required=True)


class ServiceSchema(Strict):
    """One public service, as its registration is kept: names and values as on the wire."""

    client_id = fields.String(
        validate=validate.Regexp(
            r"[A-Za-z0-9._~-]{1,128}\Z", error="must be 1 to 128 of A-Z a-z 0-9 . _ ~ -"
        )
    )
    client_secret = fields.String(
        load_only=True,
        validate=validate.Regexp(
            r"[\x21-\x7e]{16,256}\Z", error="must be 16 to 256 visible ASCII characters"
        ),
    )
    client_name = Text(required=True)
    client_name_vi = Text(data_key="client_name#vi")
    client_name_en = Text(data_key="client_name#en")
    client_uri, logo_uri, policy_uri, tos_uri = _link(), _link(), _link(), _link()
    contacts = _words(validate.Length(min=1, max=200))
    redirect_uris = _addresses()
    post_logout_redirect_uris = _addresses()
    backchannel_logout_uri = _link()
    backchannel_logout_session_required = fields.Boolean()
    initiate_login_uri = _link()
    application_type = _choice("web", "native", load_default="web")
    token_endpoint_auth_method = _choice(*OFFERED, load_default="client_secret_basic")
    token_endpoint_auth_signing_alg = _choice(*client_assertion.ALGORITHMS)
    jwks = fields.Dict()
    jwks_uri = _link()
    grant_types = _words(
        validate.OneOf(("authorization_code", "refresh_token", "client_credentials")),
        load_default=lambda: ["authorization_code"],
    )
    response_types = _words(validate.OneOf(("code",)), load_default=None)
    scope = fields.String()
    id_token_signed_response_alg = _choice("ES256", "RS256", load_default="ES256")
    userinfo_signed_response_alg = _choice("ES256", "RS256")
    subject_type = _choice("pairwise", load_default="pairwise")
    sector_identifier_uri = fields.String()
    default_max_age = fields.Integer(strict=True, validate=validate.Range(min=0))
    require_auth_time = fields.Boolean()
    software_id = Text()
    software_version = Text()
    dpop_bound_access_tokens = fields.Boolean(load_default=False)
    require_pushed_authorization_requests = fields.Boolean(load_default=False)
    tls_client_auth_subject_dn = Text(500)
    tls_client_auth_san_dns = Text()
    tls_client_auth_san_uri = Text(500)
    tls_client_auth_san_ip = Text()
    tls_client_auth_san_email = Text()
    tls_client_certificate_bound_access_tokens = fields.Boolean(load_default=False)
    organisation = fields.Nested(OrganisationSchema, required=True)
    procedures = _words([validate.Length(max=32), _CODE], load_default=list)
    profile = _choice("oidc", "fapi2", load_default="oidc")
    require_pkce = fields.Boolean(load_default=True)
    decision_events_uri = _link()

    @validates("scope")
    def _check_scope(self, text: str, data_key: str) -> None:
        """Only what can be asked for; RFC 6749 §3.3."""
        _ = data_key
        unknown = sorted(set(text.split()) - EVERY_SCOPE)
        if unknown:
            raise ValidationError("only these can be asked for: " + " ".join(sorted(EVERY_SCOPE)))

    @validates("sector_identifier_uri")
    def _check_sector(self, text: str, data_key: str) -> None:
        """OpenID Connect Core §8.1."""
        _ = data_key
        _check_address(text, https_only=True)

    @validates("jwks")
    def _check_jwks(self, told: Mapping[str, Any], data_key: str) -> None:
        """Public keys that we can verify with."""
        _ = data_key
        try:
            service_keys.public_keys(told)
        except service_keys.NotPublicKeysError as fault:
            raise ValidationError(str(fault)) from None

    @validates_schema
    def _check_together(self, told: dict[str, Any], **_: object) -> None:
        """What one member says must not contradict another."""
        for rule in RULES:
            rule(told)

    @post_load
    def _complete(self, told: dict[str, Any], **_: object) -> dict[str, Any]:
        """The defaults that depend on other members; the names as on the wire."""
        is_code = "authorization_code" in told["grant_types"]
        if told["response_types"] is None:
            told["response_types"] = ["code"] if is_code else []
        for language in ("vi", "en"):
            name = told.pop(f"client_name_{language}", None)
            if name is not None:
                told[f"client_name#{language}"] = name
        return told


def _not_built(told: Mapping[str, Any]) -> None:
    """A promise that is not kept yet is refused, not stored and forgotten."""
    for name in ("tls_client_certificate_bound_access_tokens",):
        if told[name]:
            raise ValidationError("is not offered by this version yet", name)
    if told["profile"] != "oidc":
        raise ValidationError("only oidc is offered by this version yet", "profile")


def _one_credential(told: Mapping[str, Any]) -> None:
    method = told["token_endpoint_auth_method"]
    if "client_secret" in told and method not in WITH_SECRET:
        raise ValidationError(f"has no use with {method}", "client_secret")
    if "jwks" in told and "jwks_uri" in told:  # RFC 7591 §2
        raise ValidationError("must not stand beside jwks_uri", "jwks")
    if method == ASSERTION and not {"jwks", "jwks_uri"} & told.keys():
        raise ValidationError("is needed (or jwks_uri) with private_key_jwt", "jwks")


def _public_client(told: Mapping[str, Any]) -> None:
    if told["token_endpoint_auth_method"] != NONE:
        return
    if not told["require_pkce"]:
        raise ValidationError("must be true for a public client", "require_pkce")
    if "client_credentials" in told["grant_types"]:
        raise ValidationError("client_credentials needs a client that authenticates", "grant_types")


def _code_flow(told: Mapping[str, Any]) -> None:
    is_code = "authorization_code" in told["grant_types"]
    if is_code and not told["redirect_uris"]:
        raise ValidationError("is needed for authorization_code", "redirect_uris")
    if "refresh_token" in told["grant_types"] and not is_code:
        raise ValidationError("refresh_token needs authorization_code", "grant_types")
    if told["response_types"] is not None and is_code != bool(told["response_types"]):
        raise ValidationError("must be [code] exactly with authorization_code", "response_types")


def _one_sector(told: Mapping[str, Any]) -> None:
    """OpenID Connect Core §8.1: several hosts need a document that says they belong together."""
    hosts = {addresses.host(uri) for uri in told["redirect_uris"]}
    if len(hosts) > 1 and "sector_identifier_uri" not in told:
        raise ValidationError(
            "is needed when the redirect URIs have several hosts", "sector_identifier_uri"
        )


RULES = (_not_built, _one_credential, _public_client, _code_flow, _one_sector)
