"""One person's matter with one public service, from the request to the last use of data."""

import json
import secrets
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Any

from consent.demo.people import Citizen, request_id, standing
from consent.exchange.release import release
from consent.ledger import answer, grant, pages, screen, withdraw
from consent.ledger.grant import Answered
from consent.ledger.screen import Screen
from consent.objections import records as objections
from consent.objections.object import About, raise_objection
from identity import clock, database, settings
from identity.authorization import answering
from identity.doors import Request
from identity.errors import Refusal
from identity.granted import approval
from identity.granted.approval import Asked, Refused
from identity.granted.claims import details
from identity.granted.gate import TokenRef, token_key
from identity.provider.guard import Presented
from identity.public_services import registered
from identity.public_services.registered import Registered
from identity.requested import pending, requests, rules
from identity.requested.pending import Pending
from identity.signing.tokens import AccessToken
from identity.tokens import codes, pkce, refresh
from identity.tokens.codes import Bought, Redemption
from identity.tokens.families import Asker


@dataclass
class Matter:
    """What a line of the year tells, and how far it has come."""

    citizen: Citizen
    told: Mapping[str, Any]
    service: Registered = field(init=False)
    decisions: list[uuid.UUID] = field(default_factory=list)
    objection: str = ""  # its number
    bought: Bought | None = None  # null: the service got nothing
    code: str = ""
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def __post_init__(self) -> None:
        """Find the public service."""
        self.service = standing(registered.find(self.told["service"]))

    def sign_in(self) -> None:
        """The public service sent the person here, and they signed in."""
        self.citizen.sign_in(service=self.service.id)

    def sign_in_again(self) -> None:
        """The person comes of their own accord."""
        self.citizen.sign_in()

    def decide(self) -> list[datetime]:
        """The page was answered and the service has what it is given; until when, for each."""
        browser = self.citizen.visit().browser_digest
        waiting = standing(pending.find(pending.keep(self._wish(), browser), browser))
        shown = self._answer(waiting)
        verdict = self._verdict(standing(pending.find(waiting.id, browser)))
        if verdict is None:
            answering.close(waiting.wish, waiting.id)
            return []
        session = self.citizen.session
        self.code = answering.issue(waiting.wish, session, approved=verdict, request_id=waiting.id)
        return [part.until for part in shown.parts]

    def _wish(self) -> Any:  # noqa: ANN401 - a request as the endpoint reads it
        told, year = self.told, clock.today().year
        asked = [
            {"type": "vn_procedure"} | each | {"case": each["case"].format(year=year)}
            for each in told["asks"]
        ]
        wish = requests.reread(
            {
                "client_id": self.service.client_id,
                "redirect_uri": self.service.redirect_uris[0],
                "response_type": "code",
                "scope": f"openid offline_access {told.get('scope', '')}".strip(),
                "prompt": "consent",
                "state": secrets.token_urlsafe(8),
                "code_challenge": pkce.challenge_of(self.verifier),
                "code_challenge_method": "S256",
            }
            | ({"authorization_details": json.dumps(asked)} if asked else {})
        )
        rules.check(wish)
        return wish

    def _answer(self, waiting: Pending) -> Screen:
        who, items = self.citizen.id, answer.items(waiting.details, waiting.scopes)
        plan = answer.plan(who, self.service.id, asked=items, must_ask=True)
        shown = screen.build(who, waiting.id, service=self.service, plan=plan, language="vi")
        choice = grant.choose(shown, self._sent(shown))
        if choice.problems:
            raise ValueError(sorted(choice.problems))
        texts = {part.index: pages.words(shown, part) for part in shown.parts}
        grant.decide(
            Answered(
                session=self.citizen.session,
                screen=shown,
                plan=plan,
                choice=choice,
                texts=texts,
                scopes=waiting.scopes,
                request_id=request_id(),
            )
        )
        return shown

    def _sent(self, shown: Screen) -> dict[str, list[str]]:
        """The form as this person fills it in."""
        if self.told.get("answer") == grant.DENY:
            return {"answer": [grant.DENY]}
        left_out, typed = self.told.get("leaves_out", ()), self.told.get("types", {})
        ticked = [
            line.field_name
            for line in shown.lines
            if line.is_optional and line.name not in left_out and (line.value or line.name in typed)
        ]
        sent = {"answer": [grant.ALLOW], "attribute": ticked}
        if shown.has_purposes:
            sent["purpose"] = [part.purpose for part in shown.parts]
        return sent | {name: [text] for name, text in typed.items() if name in shown.inputs}

    def _verdict(self, waiting: Pending) -> Any:  # noqa: ANN401 - what the approval says
        asked = Asked(
            request_id=waiting.id,
            citizen_id=self.citizen.id,
            actor_id=self.citizen.id,
            account_level=self.citizen.session.account_level,
            auth_level=self.citizen.session.acr,
            public_service_id=self.service.id,
            procedures=self.service.procedures,
            scopes=waiting.scopes,
            details=waiting.details,
            must_ask=True,
            outcome=waiting.outcome,
        )
        with suppress(Refused):
            return approval.asked().review(asked)
        return None

    def fetch(self) -> None:
        """The service asks for what it may have, each decision in turn; refusals are marked too."""
        asker = Asker(self.service, request_id())
        if self.code:
            redemption = Redemption(self.code, self.service.redirect_uris[0], self.verifier)
            self.bought, self.code = codes.redeem(redemption, asker), ""
        if self.bought is None:
            return
        for decision in self.bought.standing.decisions:
            if decision.procedure is None:
                continue  # what scopes gave is told at userinfo, to whoever asks there
            asks = {"procedure": decision.procedure, "case": decision.case}
            self.decisions = [*self.decisions, decision.decision_id]
            with suppress(Refusal):
                release(_request(asks, asker.request_id), self._presented())

    def fetch_again(self) -> None:
        """Some days later the service renews its token and asks once more."""
        if self.bought is None or self.bought.refresh_token is None:
            return
        with suppress(Refusal):
            self.bought = refresh.refresh(
                self.bought.refresh_token, Asker(self.service, request_id())
            )
            self.fetch()

    def _presented(self) -> Presented:
        """The token as the endpoint would have read it; nobody needs its signature here."""
        held = standing(self.bought).standing
        token = AccessToken(
            audience=settings.current().api_audience,
            subject=held.sub,
            public_service=self.service.client_id,
            details=details(held.decisions),
            assurance=held.earned.acr,
            authenticated_at=held.earned.auth_at,
        )
        key = token_key(token.token_id)
        whose = (held.citizen_id, held.grant_id, held.version, held.family_id)
        return Presented(token, TokenRef(*whose, token_key=key), self.service)

    def withdraw(self) -> None:
        """The person withdraws what they gave."""
        withdraw.withdraw(self.decisions[0], by=self.citizen.session, request_id=request_id())

    def object(self, reason: str) -> None:
        """The person objects to what they were told."""
        asked = self.told["asks"][0]
        about = About(
            public_service_id=self.service.id,
            procedure=asked["procedure"],
            case=asked["case"].format(year=clock.today().year),
            reason=reason,
        )
        raised = raise_objection(
            about, by=self.citizen.session, form=database.new_id(), request_id=request_id()
        )
        self.objection = standing(objections.find(raised, of=self.citizen.id)).number


def _request(body: Mapping[str, Any], request_id: str) -> Request:
    content = json.dumps(body).encode()
    return Request(
        {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/api/attributes",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(content)),
            "wsgi.input": BytesIO(content),
            "motlan.request_id": request_id,
        }
    )
