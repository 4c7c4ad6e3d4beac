"""The members of a registration: RFC 7591 §2, OIDC Registration §2, and ours."""

from typing import Any

from marshmallow import fields, post_load, validate, validates_schema

from identity.public_services import client_assertion, service_keys
from identity.public_services.credentials import OFFERED
from identity.public_services.records import Block, Level
from identity.registration import answers, fapi2, rules
from identity.registration.answers import AnswersSchema
from identity.registration.backchannel import BackchannelSchema
from identity.registration.rules import GRANT_TYPES
from identity.registration.shapes import (
    CODE,
    Flag,
    Strict,
    Text,
    choice,
    key_set,
    link,
    links,
    references,
    scopes,
    secure_link,
    words,
)

PROFILES = ("oidc", "fapi2")


class OrganisationSchema(Strict):
    """The agency behind the service."""

    name = Text(required=True)
    code = fields.String(required=True, validate=[validate.Length(max=35), CODE])
    level = choice(*Level, required=True)
    block = choice(*Block, required=True)


class ProceduresSchema(Strict):
    """The procedures that a service may run, by their national codes."""

    procedures = words([validate.Length(max=32), CODE], load_default=list)


class ServiceSchema(AnswersSchema, BackchannelSchema, ProceduresSchema):
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
    client_uri, logo_uri, policy_uri, tos_uri = link(), link(), link(), link()
    client_uri_vi, client_uri_en = link("client_uri#vi"), link("client_uri#en")
    logo_uri_vi, logo_uri_en = link("logo_uri#vi"), link("logo_uri#en")
    policy_uri_vi, policy_uri_en = link("policy_uri#vi"), link("policy_uri#en")
    tos_uri_vi, tos_uri_en = link("tos_uri#vi"), link("tos_uri#en")
    contacts = words(validate.Length(min=1, max=200))
    redirect_uris = links()
    post_logout_redirect_uris = links()
    backchannel_logout_uri = link()
    backchannel_logout_session_required = Flag()
    initiate_login_uri = link()
    application_type = choice("web", "native", load_default="web")
    token_endpoint_auth_method = choice(*OFFERED, load_default="client_secret_basic")
    token_endpoint_auth_signing_alg = choice(*client_assertion.OFFERED)
    jwks = key_set()
    jwks_uri = link()
    grant_types = words(
        validate.OneOf(GRANT_TYPES),
        load_default=lambda: ["authorization_code"],
    )
    response_types = words(validate.OneOf(("code",)), load_default=None)
    scope = scopes()
    subject_type = choice("pairwise", load_default="pairwise")
    sector_identifier_uri = secure_link()
    default_max_age = fields.Integer(strict=True, validate=validate.Range(min=0, max=10**9))
    require_auth_time = Flag()
    software_id = Text()
    software_version = Text()
    dpop_bound_access_tokens = Flag()
    require_pushed_authorization_requests = Flag()
    require_signed_request_object = Flag(load_default=False)
    request_object_signing_alg = choice(*service_keys.KEY_ALGORITHMS)
    request_uris = references()
    tls_client_auth_subject_dn = Text(500)
    tls_client_auth_san_dns = Text()
    tls_client_auth_san_uri = Text(500)
    tls_client_auth_san_ip = Text()
    tls_client_auth_san_email = Text()
    tls_client_certificate_bound_access_tokens = Flag()
    organisation = fields.Nested(OrganisationSchema, required=True)
    profile = choice(*PROFILES, load_default="oidc")
    require_pkce = Flag(load_default=True)
    decision_events_uri = link()

    @validates_schema
    def _check_together(self, told: dict[str, Any], **_: object) -> None:
        """What one member says must not contradict another."""
        rules.check(told)

    @post_load
    def _complete(self, told: dict[str, Any], **_: object) -> dict[str, Any]:
        """The defaults that depend on other members; the names as on the wire."""
        fapi2.complete(told)
        answers.complete(told)
        is_code = "authorization_code" in told["grant_types"]
        if told["response_types"] is None:
            told["response_types"] = ["code"] if is_code else []
        return {self.fields[name].data_key or name: value for name, value in told.items()}
