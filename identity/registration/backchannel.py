"""How a service asks for people who are not at its browser: CIBA Core §4."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from identity.polled.ways import CIBA, DEVICE
from identity.public_services.client_assertion import ALGORITHMS
from identity.public_services.credentials import NONE
from identity.public_services.registered import PING, POLL
from identity.registration.fapi2 import PROFILE
from identity.registration.shapes import Flag, Strict, choice, link

MODE = "backchannel_token_delivery_mode"
ENDPOINT = "backchannel_client_notification_endpoint"
SIGNING = "backchannel_authentication_request_signing_alg"


class BackchannelSchema(Strict):
    """The members of CIBA; `push` and user codes are not offered."""

    backchannel_token_delivery_mode = choice(POLL, PING)
    backchannel_client_notification_endpoint = link()
    backchannel_authentication_request_signing_alg = choice(*ALGORITHMS)
    backchannel_user_code_parameter = Flag()


def check(told: Mapping[str, Any]) -> None:
    """Whoever asks so says how it hears of the answer, and proves who it is.

    Raises:
        ValidationError: a member is missing, or has no use.
    """
    if told.get("backchannel_user_code_parameter"):
        raise ValidationError("is not offered", "backchannel_user_code_parameter")
    is_fapi = told["profile"] == PROFILE
    if is_fapi and DEVICE in told["grant_types"]:
        raise ValidationError(f"{DEVICE} has no place in {PROFILE}", "grant_types")
    if CIBA in told["grant_types"]:
        _require_whole(told)
        return
    for name in (MODE, ENDPOINT, SIGNING):
        if name in told:
            raise ValidationError(f"has no use without the grant type {CIBA}", name)


def _require_whole(told: Mapping[str, Any]) -> None:
    if told["token_endpoint_auth_method"] == NONE:
        raise ValidationError(f"{CIBA} needs a client that authenticates", "grant_types")
    if MODE not in told:
        raise ValidationError(f"is needed for {CIBA}", MODE)
    if (told[MODE] == PING) != (ENDPOINT in told):
        raise ValidationError("stands with the delivery mode ping, and only there", ENDPOINT)
    if told["profile"] == PROFILE and SIGNING not in told:  # FAPI-CIBA §5.2.2
        raise ValidationError(f"is needed with {PROFILE}", SIGNING)
    if SIGNING in told and not {"jwks", "jwks_uri"} & told.keys():
        raise ValidationError("needs jwks or jwks_uri", SIGNING)
