"""The backchannel authentication endpoint, CIBA Core §7, and what a poll is answered, §10.1."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from marshmallow import fields

from identity import clock
from identity.authentication import lockout
from identity.authentication.lockout import HOUR, QUARTER, Budget, TooManyTries
from identity.ciba import asking, requests, signed
from identity.ciba.asking import InvalidBindingMessage
from identity.ciba.hints import UnknownUserId
from identity.ciba.requests import New
from identity.ciba.signed import InvalidSignedRequest
from identity.database import transaction
from identity.described import Answer, Told
from identity.doors import Door, Request
from identity.errors import InvalidRequest, InvalidScope, UnauthorizedClient, tell
from identity.granted import resources
from identity.granted.details import InvalidAuthorizationDetails
from identity.granted.resources import InvalidTarget
from identity.messages import NO_STORE, Response, json_response
from identity.parameters import Parameter
from identity.polled import pace, polls
from identity.polled.ways import CIBA
from identity.public_services import credentials
from identity.public_services.guard import present
from identity.public_services.registered import Registered
from identity.tokens.families import Asker

POLL = (
    Parameter(name="auth_req_id", meaning="from /bc-authorize", is_required=True, longest=400),
    resources.PARAMETER,
)
MINUTE = timedelta(minutes=1)


def ask(request: Request, service: Registered) -> Response:
    """The request waits for the person, and the service has what it polls with."""
    form = request.form
    if form.repeated():
        raise InvalidRequest("each parameter may be sent only once")
    said = form.read((*asking.TAKES, signed.PARAMETER))
    if CIBA not in service.grant_types or service.is_public:
        raise UnauthorizedClient("this public service is not registered for that grant type")
    new = asking.read(signed.unwrapped(said, service), service)
    with transaction():
        _count(new)
        auth_req_id = requests.begin(new)
    left = new.until - clock.now()
    told = {
        "auth_req_id": auth_req_id,
        "expires_in": round(left.total_seconds()),
        "interval": pace.INTERVAL,
    }
    return json_response(told, headers=NO_STORE)


def _count(new: New) -> None:
    """Nobody is asked without end (security case 67), whether or not anybody is there.

    Raises:
        TooManyTries: one of the budgets is spent.
    """
    service, person = new.service.id.hex, new.hinted
    budgets = (
        Budget(("ciba", "service", service), 100, MINUTE),
        Budget(("ciba", "both", service, person), 5, QUARTER),
        Budget(("ciba", "person", person), 20, HOUR),
    )
    at = clock.now()
    # In one order for everybody, so that two requests cannot wait for each other.
    for budget in sorted(budgets, key=lambda each: each.digest):
        lockout.spend(budget, at)


def poll(said: Mapping[str, str], asker: Asker) -> dict[str, Any]:
    """The tokens, once the person has allowed it.

    Raises:
        Refusal: as `polls.answer` says.
    """
    standing = requests.standing(said["auth_req_id"])
    target = resources.read(said.get("resource"))
    return polls.answer(standing, asker, target=target, slow_down=requests.slow_down)


BEGUN = Told.from_dict(
    {
        "auth_req_id": fields.String(required=True),
        "expires_in": fields.Integer(required=True),
        "interval": fields.Integer(),
    },
    name="BackchannelAuthentication",
)
DOORS = (
    Door(
        method="POST",
        path="/bc-authorize",
        function=ask,
        guard=present,
        refusals=tell,
        summary="Ask for a person who is not at this service's browser",
        form=((*asking.TAKES, signed.PARAMETER, *credentials.PARAMETERS),),
        answers={200: Answer("what to poll with: CIBA Core section 7.3", BEGUN)},
        refuses=(
            UnauthorizedClient,
            InvalidScope,
            InvalidAuthorizationDetails,
            InvalidTarget,
            InvalidBindingMessage,
            InvalidSignedRequest,
            UnknownUserId,
            TooManyTries,
        ),
    ),
)
