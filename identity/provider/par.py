"""The pushed authorization request endpoint, RFC 9126 §2."""

from dataclasses import replace

from marshmallow import fields

from identity.binding import dpop
from identity.binding.dpop import InvalidDpopProof, UseDpopNonce
from identity.described import Answer, Told
from identity.doors import Door, Request, always
from identity.errors import InvalidRequest, InvalidScope, UnauthorizedClient, tell
from identity.granted.details import InvalidAuthorizationDetails
from identity.granted.resources import InvalidTarget
from identity.messages import NO_STORE, Response, json_response
from identity.parameters import Parameter
from identity.public_services import credentials
from identity.public_services.guard import authenticated
from identity.public_services.registered import Registered
from identity.requested import pushed, request_objects, requests, rules
from identity.requested.wish import PARAMETERS
from identity.tokens.families import Asker


def _taken(row: Parameter) -> Parameter:
    """A parameter of `/authorize` as it is here: in an object, or by itself."""
    if row.name == "request_uri":
        row = replace(row, meaning="refused: RFC 9126 section 2.1")
    elif row.name == "request":
        row = replace(row, longest=request_objects.LONGEST)
    return replace(row, is_required=False)


# `client_id` is among the credentials; who has proved it need not say it again.
_TAKES = tuple(_taken(row) for row in PARAMETERS if row.name != "client_id")


def push(request: Request, service: Registered) -> Response:
    """The request is on record, and the browser needs to carry no more than its reference."""
    form = request.form
    if form.repeated():
        raise InvalidRequest("each parameter may be sent only once")
    said = form.read(_TAKES)
    if "request_uri" in said:
        raise InvalidRequest("request_uri is what this answers, not what it takes")
    in_object = "request" in said
    if in_object:  # RFC 9126 §3: what stands beside it does not count
        said = request_objects.read(said["request"], service)
    proof = dpop.find(request)
    if proof is not None and said.setdefault("dpop_jkt", proof.key) != proof.key:
        raise InvalidDpopProof("dpop_jkt is not the key of the proof")  # RFC 9449 §10.1
    told = {
        "request_uri": pushed.push(said, Asker(service, request.request_id), in_object=in_object),
        "expires_in": int(pushed.LIFETIME.total_seconds()),
    }
    return json_response(told, 201, headers=NO_STORE + (proof.headers if proof else ()))


PUSHED = Told.from_dict(
    {
        "request_uri": fields.String(required=True),
        "expires_in": fields.Integer(required=True),
    },
    name="PushedRequest",
)
DOORS = (
    Door(
        method="POST",
        path="/par",
        function=push,
        guard=authenticated,
        refusals=tell,
        asks_once=always,
        summary="Push an authorization request, and send the browser with its reference",
        form=((*_TAKES, *credentials.PARAMETERS),),
        answers={201: Answer("its reference: RFC 9126 section 2.2", PUSHED)},
        refuses=(
            requests.NotSentBack,
            rules.UnsupportedResponseType,
            requests.RequestNotSupported,
            request_objects.InvalidRequestObject,
            rules.RegistrationNotSupported,
            rules.Unmet,
            UnauthorizedClient,
            InvalidScope,
            InvalidAuthorizationDetails,
            InvalidTarget,
            InvalidDpopProof,
            UseDpopNonce,
        ),
    ),
)
