"""The device authorization endpoint, RFC 8628 §3.1, and what a device's poll is answered, §3.4."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields

from identity import clock, settings
from identity.authentication import lockout
from identity.authentication.lockout import QUARTER, Budget, TooManyTries, block
from identity.database import transaction
from identity.described import Answer, Told
from identity.device import requests
from identity.doors import Door, Request
from identity.errors import InvalidRequest, InvalidScope, UnauthorizedClient, tell
from identity.granted import resources
from identity.granted.details import InvalidAuthorizationDetails
from identity.granted.resources import InvalidTarget
from identity.messages import NO_STORE, Response, json_response
from identity.parameters import Parameter
from identity.polled import pace, polls
from identity.polled.ways import DEVICE
from identity.public_services import credentials
from identity.public_services.guard import present
from identity.public_services.registered import Registered
from identity.requested.wish import PARAMETERS
from identity.tokens.families import Asker

_TAKEN = ("scope", "authorization_details", "acr_values", "resource", "ui_locales")
TAKES = tuple(row for row in PARAMETERS if row.name in _TAKEN)
MOST_NEARBY = 300  # devices of one app, in one neighbourhood, in a quarter of an hour
POLL = (
    Parameter(
        name="device_code", meaning="from /device_authorization", is_required=True, longest=200
    ),
    resources.PARAMETER,
)


def ask(request: Request, service: Registered) -> Response:
    """The request waits, and the device has what it shows and what it polls with."""
    form = request.form
    if form.repeated():
        raise InvalidRequest("each parameter may be sent only once")
    said = form.read(TAKES)
    if DEVICE not in service.grant_types:
        raise UnauthorizedClient("this public service is not registered for that grant type")
    if service.is_public:
        _count(service, request.remote)
    begun = requests.begin(said, service, address=request.remote)
    page = f"{settings.current().issuer}/device"
    told = {
        "device_code": begun.device_code,
        "user_code": begun.user_code,
        "verification_uri": page,
        "verification_uri_complete": f"{page}?user_code={begun.user_code}",
        "expires_in": int(requests.LIFETIME.total_seconds()),
        "interval": pace.INTERVAL,
    }
    return json_response(told, headers=NO_STORE)


def _count(service: Registered, address: str) -> None:
    """Anybody may name an app: whoever does is bounded by where they are, and not the app.

    Raises:
        TooManyTries: from this neighbourhood, for this app, too many devices began already.
    """
    key = ("device", "begun", service.id.hex, block(address))
    with transaction():
        lockout.spend(Budget(key, MOST_NEARBY, QUARTER), clock.now())


def poll(said: Mapping[str, str], asker: Asker) -> dict[str, Any]:
    """The tokens, once a person has allowed it.

    Raises:
        Refusal: as `polls.answer` says.
    """
    standing = requests.standing(said["device_code"])
    target = resources.read(said.get("resource"))
    return polls.answer(standing, asker, target=target, slow_down=requests.slow_down)


BEGUN = Told.from_dict(
    {
        "device_code": fields.String(required=True),
        "user_code": fields.String(required=True),
        "verification_uri": fields.String(required=True),
        "verification_uri_complete": fields.String(required=True),
        "expires_in": fields.Integer(required=True),
        "interval": fields.Integer(required=True),
    },
    name="DeviceAuthorization",
)
DOORS = (
    Door(
        method="POST",
        path="/device_authorization",
        function=ask,
        guard=present,
        refusals=tell,
        summary="Ask for a code that a person types on another device",
        form=((*TAKES, *credentials.PARAMETERS),),
        answers={200: Answer("both codes: RFC 8628 section 3.2", BEGUN)},
        refuses=(
            UnauthorizedClient,
            InvalidScope,
            InvalidAuthorizationDetails,
            InvalidTarget,
            TooManyTries,
        ),
    ),
)
