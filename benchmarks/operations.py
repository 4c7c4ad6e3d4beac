"""The operations: each gets ready, stands at a mark, then works until it is stopped."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from typing import Any
from urllib.parse import quote, urlencode

from benchmarks import proofs
from benchmarks.seats import ATTRIBUTES, Seat, Steps, a_case, location, successor, told
from benchmarks.wire import Ask, Journey, Wrong

ASSERTED = {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}


class Crowd:
    """Everybody who waits for a seat: people without a session, people with one, and services."""

    def __init__(self, loaded: dict[str, Any], *, withdrawals: int = 6, proofs: int = 40) -> None:
        self.withdrawals = withdrawals  # decisions that each seat gives and then takes back
        self.proofs = proofs  # that each seat signs before it needs them
        self.issuer: str = loaded["issuer"]
        self._strangers = cycle(loaded["strangers"])
        self._signed_in = cycle(loaded["signed_in"])
        self._services = {kind: cycle(some) for kind, some in loaded["services"].items()}

    def seat(self, kind: str = "usual") -> Seat:
        """Somebody signed in, and a public service of that kind."""
        seat = Seat(next(self._services[kind]), {})
        seat.sit_down(next(self._signed_in))
        return seat

    def stranger(self) -> dict[str, Any]:
        """Somebody who has to sign in."""
        found: dict[str, Any] = next(self._strangers)
        return found


def sign_in(crowd: Crowd) -> Journey:
    """Two pages opened, two forms sent: number and password, then the code."""
    seat = crowd.seat()
    while True:
        yield None
        seat.sit_down(crowd.stranger())
        person = seat.person
        page = yield from seat.open("/sign-in")
        known = {"national_id": person["national_id"], "password": person["password"]}
        location((yield from seat.submit("/sign-in", page, **known)))
        page = yield from seat.open("/sign-in/code")
        code = person["one_time_code"]
        location((yield from seat.submit("/sign-in/code", page, one_time_code=code)))


def client_credentials(crowd: Crowd) -> Journey:
    """A token for the service itself."""
    ask = crowd.seat().call("/token", grant_type="client_credentials")
    while True:
        yield None
        told((yield ask))


def code_flow(crowd: Crowd) -> Journey:
    """Authorize with a session, redeem with PKCE: two requests, two signed tokens."""
    seat = crowd.seat()
    while True:
        yield None
        yield from seat.buy("openid")


def refresh(crowd: Crowd) -> Journey:
    """The token rotates; the next use is of its successor."""
    seat = crowd.seat()
    token = (yield from seat.buy("openid"))["refresh_token"]
    ask = seat.call("/token", grant_type="refresh_token", refresh_token="")
    while True:
        yield None
        token = successor((yield ask._replace(body=ask.body + quote(token))))


def introspection(crowd: Crowd) -> Journey:
    """A person's access token, checked against its grant and family."""
    seat = crowd.seat("readable")
    token = (yield from seat.buy("openid"))["access_token"]
    ask = seat.call("/introspect", token=token)
    while True:
        yield None
        if not told((yield ask))["active"]:
            raise Wrong("the token is dead")


def userinfo(crowd: Crowd) -> Journey:
    """Gate, three sealed values and the entry in the log."""
    seat = crowd.seat("readable")
    token = (yield from seat.buy("openid profile"))["access_token"]
    ask = Ask("GET", "/userinfo", headers=(("Authorization", f"Bearer {token}"),))
    while True:
        yield None
        if "name" not in told((yield ask)):
            raise Wrong("userinfo tells no name")


def release(crowd: Crowd) -> Journey:
    """Gate, five attributes in their envelopes and the entry in the log."""
    seat = crowd.seat()
    detail = a_case()
    token = (yield from seat.buy("openid", detail))["access_token"]
    body = json.dumps({"procedure": detail["procedure"], "case": detail["case"]})
    headers = (("Authorization", f"Bearer {token}"),)
    ask = Ask("POST", "/api/attributes", body, "application/json", headers)
    while True:
        yield None
        if len(told((yield ask))["values"]) != len(ATTRIBUTES):
            raise Wrong("values are missing")


def withdrawal(crowd: Crowd) -> Journey:
    """The button of a decision's page; each decision can be withdrawn once."""
    seat = crowd.seat()
    pages = []
    for _ in range(crowd.withdrawals):
        tokens = yield from seat.buy("openid", a_case())
        (detail,) = tokens["authorization_details"]
        path = f"/my/consents/{detail['decision_id']}/withdraw"
        pages.append((path, (yield from seat.open(path))))
    for path, page in pages:
        yield None
        location((yield from seat.submit(path, page)))
    yield None


def asserted(crowd: Crowd) -> Journey:
    """The same by private_key_jwt: a signature is checked, and its `jti` spent for good."""
    service = crowd.seat("asserting").service
    named = {"to": crowd.issuer, "count": crowd.proofs}
    for proof in proofs.assertions(service["client_id"], service["key"], **named):
        yield None
        form = {"grant_type": "client_credentials", "client_assertion": proof}
        told((yield Ask("POST", "/token", urlencode(form | ASSERTED))))
    yield None


def bound(crowd: Crowd) -> Journey:
    """A token bound to a key: the proof is checked, and its `jti` spent for good."""
    ask = crowd.seat().call("/token", grant_type="client_credentials")
    for proof in (yield from _proofs(crowd, ask)):
        yield None
        if told((yield _bound(ask, proof)))["token_type"] != "DPoP":
            raise Wrong("the token is not bound")
    yield None


def bound_refresh(crowd: Crowd) -> Journey:
    """The token rotates, and the proof is spent with it."""
    seat = crowd.seat()
    token = (yield from seat.buy("openid"))["refresh_token"]
    ask = seat.call("/token", grant_type="refresh_token", refresh_token=token)
    for proof in (yield from _proofs(crowd, ask)):
        yield None
        answer = told((yield _bound(ask, proof)))
        if answer["token_type"] != "DPoP":
            raise Wrong("the token is not bound")
        token = answer["refresh_token"]
        ask = seat.call("/token", grant_type="refresh_token", refresh_token=token)
    yield None


def _proofs(crowd: Crowd, ask: Ask) -> Steps:
    """Proofs for the address of this request, with the nonce that whoever has none is told."""
    key, url = proofs.new_key(), crowd.issuer + ask.path
    (first,) = proofs.possessions(key, method="POST", url=url, nonce="", count=1)
    nonce = (yield _bound(ask, first)).header("dpop-nonce") or ""
    return proofs.possessions(key, method="POST", url=url, nonce=nonce, count=crowd.proofs)


def _bound(ask: Ask, proof: str) -> Ask:
    return ask._replace(headers=(*ask.headers, ("DPoP", proof)))


def pushed(crowd: Crowd) -> Journey:
    """An authorization request is stored, for a name."""
    seat = crowd.seat()
    while True:
        yield None
        told((yield seat.call("/par", **seat.asked("openid"))), 201)


def _public(path: str) -> Callable[[Crowd], Journey]:
    def play(_crowd: Crowd) -> Journey:
        """What everybody may read."""
        ask = Ask("GET", path)
        while True:
            yield None
            answer = yield ask
            if answer.status != 200:  # noqa: PLR2004 - OK
                raise Wrong(f"status {answer.status}")

    return play


jwks, discovery = _public("/jwks"), _public("/.well-known/openid-configuration")


@dataclass(frozen=True)
class Operation:
    """One line of the table."""

    name: str
    play: Callable[[Crowd], Journey]
    requests: int
    rests_on: tuple[str, ...]  # primitives, the first is the one that matters most
    is_peers: bool = False  # whether the peer can do it too


OPERATIONS = (
    Operation("sign-in", sign_in, 4, ("Argon2id",)),
    Operation("client credentials", client_credentials, 1, ("ES256", "look"), is_peers=True),
    Operation("private_key_jwt", asserted, 1, ("commit", "ES256"), is_peers=True),
    Operation("DPoP-bound", bound, 1, ("commit", "ES256")),
    Operation("pushed request", pushed, 1, ("commit",), is_peers=True),
    Operation("code flow", code_flow, 2, ("commit", "ES256"), is_peers=True),
    Operation("refresh", refresh, 1, ("commit", "ES256"), is_peers=True),
    Operation("DPoP-bound refresh", bound_refresh, 1, ("commit", "ES256")),
    Operation("introspection", introspection, 1, ("look",), is_peers=True),
    Operation("userinfo", userinfo, 1, ("commit",), is_peers=True),
    Operation("release of 5", release, 1, ("commit", "ES256")),
    Operation("withdrawal", withdrawal, 1, ("commit",)),
    Operation("JWKS", jwks, 1, ("bare answer",), is_peers=True),
    Operation("discovery", discovery, 1, ("bare answer",), is_peers=True),
)
