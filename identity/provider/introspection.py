"""Token introspection, RFC 7662: what a public service's own token is worth at this moment.

Who asks for it gets the answer as a JWT, signed and perhaps encrypted: RFC 9701.
"""

from typing import Any

from marshmallow import fields

from identity import clock, sealing, settings
from identity.described import Answer, Told
from identity.doors import Door, Request, always
from identity.errors import InvalidClient, InvalidToken, tell
from identity.granted.claims import granted_scopes, registered, runnable, told
from identity.granted.details import GRANTED
from identity.granted.gate import open_ref, token_key
from identity.messages import NO_STORE, Response, json_response
from identity.parameters import Parameter
from identity.public_services import credentials, encryption
from identity.public_services.guard import authenticated
from identity.public_services.registered import Registered
from identity.signing import tokens
from identity.signing.tokens import AccessToken
from identity.together import look
from identity.tokens import liveness, refresh_records
from identity.tokens.codes import REFRESH_PURPOSE
from identity.tokens.families import Asker

INACTIVE = {"active": False}
JWT = "application/token-introspection+jwt"
PARAMETERS = (
    Parameter(name="token", meaning="an access or refresh token of one's own", is_required=True),
    Parameter(
        name="token_type_hint",
        meaning="access_token or refresh_token; may save time and changes nothing else",
        example="access_token",
    ),
)
SAID = Told.from_dict(
    {"active": fields.Boolean(required=True)}
    | {
        name: fields.String()
        for name in ("token_type", "client_id", "iss", "sub", "aud", "jti", "scope")
    }
    | {name: fields.Integer() for name in ("exp", "iat")}
    | {
        "acr": fields.String(allow_none=True),
        "auth_time": fields.Integer(allow_none=True),
        "vn_account_level": fields.Integer(allow_none=True),
        "authorization_details": GRANTED,
        "cnf": fields.Nested(
            Told.from_dict(
                {"jkt": fields.String(), "x5t#S256": fields.String()}, name="Confirmation"
            )
        ),
    },
    name="Introspection",
)


def confidential(request: Request) -> Registered:
    """The guard: a public service that proved who it is, not one that only named itself.

    Anybody may name a public client, and so learn whether a token found somewhere still stands
    (RFC 7662 §2.1 and §4).

    Raises:
        InvalidClient: not authenticated, or registered with `none`.
    """
    service = authenticated(request)
    if service.is_public:
        raise InvalidClient(
            "a client without a credential cannot ask here", headers=credentials.CHALLENGE
        )
    return service


def introspect(request: Request, service: Registered) -> Response:
    """Whether a token stands, and what it says; of another's, an ended or a false one: inactive.

    The hint may only save time (RFC 7662 §2.1); our two kinds of token cannot be confused.

    Raises:
        InvalidClient: what proved the service was taken back a moment ago.
        InvalidRequest: the answer is to be encrypted, and there is no key for that.
    """
    text = request.form.read(PARAMETERS)["token"]
    is_jwt = _asks_for_jwt(request.header("Accept") or "")
    if is_jwt:
        encryption.require_key(service, service.introspection_encryption)
    asker = Asker(service, request.request_id)
    said = _access_token(text, asker) or _refresh_token(text, asker) or INACTIVE
    return _signed(said, service) if is_jwt else json_response(said, headers=NO_STORE)


def _asks_for_jwt(accept: str) -> bool:
    """Whether a JWT is asked for, and JSON not more so: RFC 9701 §4, RFC 9110 §12.5.1."""
    if JWT not in accept.lower():
        return False
    wanted = {kind: _quality(rest) for kind, _, rest in map(_split, accept.split(","))}
    return wanted.get(JWT, 0.0) > 0 and wanted[JWT] >= wanted.get("application/json", 0.0)


def _split(preference: str) -> tuple[str, str, str]:
    kind, mark, rest = preference.partition(";")
    return kind.strip().lower(), mark, rest


def _quality(rest: str) -> float:
    told = [part.strip().removeprefix("q=") for part in rest.lower().split(";") if "q=" in part]
    try:
        return float(told[0]) if told else 1.0
    except ValueError:
        return 0.0


def _signed(said: dict[str, Any], service: Registered) -> Response:
    """The answer for that service alone, RFC 9701 §5; with no `sub` or `exp` at its top (§8.1)."""
    told = tokens.sign_introspection(
        said, public_service=service.client_id, alg=service.introspection_alg
    )
    text = encryption.encrypted(told, service.introspection_encryption, service=service)
    return Response(200, text.encode(), (("Content-Type", JWT), *NO_STORE))


def _access_token(text: str, asker: Asker) -> dict[str, Any] | None:
    here = settings.current()
    try:
        token = tokens.read_access_token(text, audiences=(here.issuer, here.api_audience))
        if token.public_service != asker.service.client_id:
            return None
        return _of_person(token, asker) if token.reference else _of_service(token, asker)
    except InvalidToken:
        return None


def _of_service(token: AccessToken, asker: Asker) -> dict[str, Any] | None:
    if not liveness.client_alive(token_key(token.token_id), asker):
        return None
    return _said(token, token.scopes)


def _of_person(token: AccessToken, asker: Asker) -> dict[str, Any] | None:
    ref = open_ref(token.reference or "", token.token_id)
    decisions = liveness.alive(ref, asker)
    if decisions is None:
        return None
    # A decision that ended since the token was signed is not told as granted any more; and of one
    # that stands, no more than the token says.
    decisions = runnable(decisions, asker.service)
    standing = {str(decision.decision_id) for decision in decisions}
    still = [d for d in token.details if d["decision_id"] in standing]
    scopes = registered(granted_scopes(token.scopes, decisions), asker.service)
    said = _said(token, scopes)
    return said | {
        "acr": token.assurance,
        "auth_time": token.authenticated_at and int(token.authenticated_at.timestamp()),
        "vn_account_level": token.account_level,
        "authorization_details": still,
    }


def _said(token: AccessToken, scopes: tuple[str, ...]) -> dict[str, Any]:
    sender_key = tokens.sender_key(token)
    # RFC 9449 §6.2, RFC 8705 §3.2: whoever is shown the token asks for a proof of this key.
    more: dict[str, Any] = {} if sender_key is None else {"cnf": tokens.bound_to(sender_key)}
    if scopes:  # as in the token's own answer: none is not said
        more["scope"] = " ".join(scopes)
    return {
        **more,
        "active": True,
        "token_type": tokens.kind_of(sender_key),
        "client_id": token.public_service,
        "iss": settings.current().issuer,
        "sub": token.subject,
        "aud": token.audience,
        "exp": token.ends_at_seconds,
        "iat": token.issued_at_seconds,
        "jti": token.token_id,
    }


def _refresh_token(text: str, asker: Asker) -> dict[str, Any] | None:
    try:
        citizen_id, digest = sealing.open_handle(text, REFRESH_PURPOSE)
    except (sealing.Unreadable, ValueError):
        return None
    kept = refresh_records.found(citizen_id, digest)
    found = liveness.past_memory(lambda known: look(credentials.live_clause(known), kept), asker)
    if found is None or found["token.public_service_id"] != asker.service.id:
        return None
    is_over = found["token.ended_at"] is not None or found["token.expires_at"] <= clock.now()
    if is_over or found["token.spent_at"] is not None or found["token.state"] != "active":
        return None
    return {
        "active": True,
        "client_id": asker.service.client_id,
        "iss": settings.current().issuer,
        "sub": found["token.sub"],
        "exp": int(found["token.expires_at"].timestamp()),
        "iat": int(found["token.created_at"].timestamp()),
        "scope": " ".join(told(found["token.scope"].split())),
    }


DOORS = (
    Door(
        method="POST",
        path="/introspect",
        function=introspect,
        guard=confidential,
        refusals=tell,
        asks_once=always,
        summary="Ask what one of one's own tokens is worth now",
        form=((*PARAMETERS, *credentials.PARAMETERS),),
        answers={200: Answer("what it is worth: RFC 7662 section 2.2", SAID, also=JWT)},
    ),
)
