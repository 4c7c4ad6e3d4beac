"""The grant types of the token endpoint: what each takes, and what it is exchanged for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from identity.ciba import backchannel_authentication
from identity.device import device_authorization
from identity.errors import InvalidGrant, InvalidRequest
from identity.granted import resources
from identity.parameters import Parameter
from identity.polled.ways import CIBA, DEVICE
from identity.provider import client_credentials
from identity.tokens import codes, exchange, families, pkce, refresh
from identity.tokens.families import Asker

MOST_SCOPE = 1_000  # characters
WITHOUT_ID_TOKEN = frozenset({"client_credentials", exchange.GRANT_TYPE})
Said = Mapping[str, str]


def _code(said: Said, asker: Asker) -> dict[str, Any]:
    verifier = said.get("code_verifier")
    if verifier is not None and not pkce.is_verifier(verifier):
        raise InvalidGrant(codes.REFUSED, note="code: no verifier")
    target = _target(said)
    redemption = codes.Redemption(
        said["code"], said["redirect_uri"], verifier, asker.sender_key, target
    )
    bought = codes.redeem(redemption, asker)
    return families.answer(
        bought.standing.aimed(target),
        bought.told(asker),
        refresh_token=bought.refresh_token,
        is_first=True,
    )


def _refresh(said: Said, asker: Asker) -> dict[str, Any]:
    scope, target = _scope(said), _target(said)
    bought = refresh.refresh(said["refresh_token"], asker, scope=scope, target=target)
    # OIDC Core §12.2: the new ID token has the same `auth_time`, and no nonce.
    return families.answer(
        bought.standing.aimed(target),
        bought.told(asker),
        only=scope,
        refresh_token=bought.refresh_token,
    )


def _client(said: Said, asker: Asker) -> dict[str, Any]:
    return client_credentials.grant(asker, scope=_scope(said), target=_target(said))


def _exchange(said: Said, asker: Asker) -> dict[str, Any]:
    """RFC 8693 §2.1: an access token for an access token, and no word about an actor."""
    if {"actor_token", "actor_token_type"} & said.keys():
        raise InvalidRequest("nobody can be given a mandate to act for another here yet")
    for name in ("subject_token_type", "requested_token_type"):
        if said.get(name, exchange.ACCESS_TOKEN) != exchange.ACCESS_TOKEN:
            raise InvalidRequest(f"{name} is {exchange.ACCESS_TOKEN}")
    target = resources.read(f"{said.get('resource', '')} {said.get('audience', '')}")
    wanted = exchange.Wanted(
        scope=_scope(said) if "scope" in said else None,
        target=target,
        details=exchange.asked_details(said.get("authorization_details")),
    )
    return exchange.exchange(said["subject_token"], asker, wanted=wanted)


def _scope(said: Said) -> tuple[str, ...]:
    return tuple(dict.fromkeys(said.get("scope", "").split()))


def _target(said: Said) -> tuple[str, ...]:
    return resources.read(said.get("resource"))


@dataclass(frozen=True, slots=True)
class Grant:
    """One grant type: what it takes beside the service's credentials, and what it does."""

    exchange: Callable[[Said, Asker], dict[str, Any]]
    takes: tuple[Parameter, ...]
    spends_proof: bool = False  # in the statement that spends what is exchanged, decision 0044


_SCOPE = Parameter(
    name="scope",
    meaning="fewer scopes than were granted, or of a service itself; left out: all of them",
    longest=MOST_SCOPE,
    example="openid profile",
)
_EXCHANGED = (
    Parameter(name="subject_token", meaning="an access token of one's own", is_required=True),
    Parameter(
        name="subject_token_type",
        meaning="what it is",
        is_required=True,
        one_of=(exchange.ACCESS_TOKEN,),
        example=exchange.ACCESS_TOKEN,
    ),
    Parameter(
        name="requested_token_type",
        meaning="what is wanted for it",
        one_of=(exchange.ACCESS_TOKEN,),
    ),
    Parameter(
        name="authorization_details",
        meaning="fewer of the details that the token has, or fewer attributes of them",
        longest=8192,
    ),
    Parameter(name="audience", meaning="as resource", longest=500),
    Parameter(name="actor_token", meaning="refused: there are no mandates yet"),
    Parameter(name="actor_token_type", meaning="refused likewise"),
)
GRANTS: Mapping[str, Grant] = {
    "authorization_code": Grant(
        _code,
        (
            Parameter(name="code", meaning="from the redirect, once", is_required=True),
            Parameter(
                name="redirect_uri",
                meaning="the one that the code was sent to, letter for letter",
                is_required=True,
                example="https://service.example/callback",
            ),
            Parameter(
                name="code_verifier",
                meaning="answers the code_challenge: RFC 7636 section 4.1",
                pattern=f"^{pkce.VERIFIER}$",
                example="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            ),
            resources.PARAMETER,
        ),
        spends_proof=True,
    ),
    "refresh_token": Grant(
        _refresh,
        (
            Parameter(name="refresh_token", meaning="the newest of its family", is_required=True),
            _SCOPE,
            resources.PARAMETER,
        ),
        spends_proof=True,
    ),
    "client_credentials": Grant(_client, (_SCOPE, resources.PARAMETER)),
    exchange.GRANT_TYPE: Grant(_exchange, (*_EXCHANGED, _SCOPE, resources.PARAMETER)),
    DEVICE: Grant(device_authorization.poll, device_authorization.POLL),
    CIBA: Grant(backchannel_authentication.poll, backchannel_authentication.POLL),
}
