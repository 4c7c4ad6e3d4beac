"""A public service at the wire: gets codes for people, redeems them, and uses what it bought."""

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from identity import clock
from identity.authentication import sessions
from identity.authentication.sessions import Proof
from identity.authorization import subjects
from identity.database import transaction
from identity.granted import grants
from identity.granted.approval import Carried
from identity.granted.claims import Earned, sid
from identity.provider.grant_types import GRANTS
from identity.public_services import registered
from identity.tokens import codes, pkce
from tests.people import Somebody
from tests.public_services import Played, a_service

VERIFIER = "a-verifier-of-forty-three-characters-or-more"
EVERY_GRANT = {"grant_types": list(GRANTS), "backchannel_token_delivery_mode": "poll"}
GRANT_TYPES = ["authorization_code", "refresh_token", "client_credentials"]


@dataclass
class Code:
    """A code, and what an authorization request with it would have said."""

    text: str = field(repr=False)
    redirect_uri: str
    grant_id: uuid.UUID
    session_id: uuid.UUID
    verifier: str | None = VERIFIER


@dataclass
class Office:
    """One registered service with its own HTTP client."""

    client: FlaskClient
    played: Played

    @property
    def service(self) -> registered.Registered:
        """What is on record of it."""
        found = registered.find(self.played.client_id)
        assert found is not None
        return found

    def authorize(
        self,
        person: Somebody,
        *,
        scope: str = "openid",
        decisions: tuple[Carried, ...] = (),
        verifier: str | None = VERIFIER,
        **earned: Any,
    ) -> Code:
        """A code as /authorize leaves it: the person signed in and decided."""
        service = self.service
        sub = subjects.subject(person.citizen_id, service.sector)
        proof = Proof(person.citizen_id, secrets.token_bytes(32), 2, ("pwd", "otp"))
        with transaction():
            session_id = sessions.start(proof).session_id
            grant_id = grants.open_grant(
                citizen_id=person.citizen_id,
                actor_id=person.citizen_id,
                mandate_id=None,
                public_service_id=service.id,
                scope=scope,
                decisions=decisions,
            )
            told = {
                "acr": "vn:auth:2",
                "amr": ("pwd", "otp"),
                "auth_at": clock.now(),
                "account_level": 2,
                "sid": sid(session_id, service.id),
                "nonce": "n-1",
            }
            new = codes.NewCode(
                citizen_id=person.citizen_id,
                grant_id=grant_id,
                public_service_id=service.id,
                session_id=session_id,
                redirect_uri=service.redirect_uris[0],
                code_challenge=pkce.challenge_of(verifier) if verifier else None,
                sub=sub,
                scope=scope,
                earned=Earned(**(told | earned)),
            )
            text = codes.issue(new)
        return Code(text, service.redirect_uris[0], grant_id, session_id, verifier)

    def post(self, path: str, **form: Any) -> TestResponse:
        """A form to a machine endpoint, authenticated as registered."""
        sent = {name: value for name, value in form.items() if value is not None}
        return self.client.post(path, data=sent, headers=self.played.basic())

    def redeem(self, code: Code, /, **changed: Any) -> TestResponse:
        """The code for tokens; `changed` parameters differ from what is right."""
        told = {
            "grant_type": "authorization_code",
            "code": code.text,
            "redirect_uri": code.redirect_uri,
            "code_verifier": code.verifier,
        }
        return self.post("/token", **(told | changed))

    def sign_in(self, person: Somebody, **told: Any) -> dict[str, Any]:
        """Tokens for a person, the usual way."""
        answer = self.redeem(self.authorize(person, **told))
        assert answer.status_code == 200, answer.json
        return dict(answer.json)

    def refresh(self, token: str, **more: Any) -> TestResponse:
        """A refresh token for the next one."""
        return self.post("/token", grant_type="refresh_token", refresh_token=token, **more)

    def userinfo(self, access_token: str) -> TestResponse:
        """What userinfo says to that token."""
        return self.client.get("/userinfo", headers={"Authorization": f"Bearer {access_token}"})

    def is_active(self, token: str) -> bool:
        """What introspection says of it."""
        return bool(self.post("/introspect", token=token).json["active"])


def an_office(client: FlaskClient, **members: Any) -> Office:
    """A new service that may do everything tokens allow."""
    return Office(client, a_service(**({"grant_types": GRANT_TYPES} | members)))


def a_decision(**told: Any) -> Carried:
    """A request of the usual procedure, decided just now."""
    return Carried(
        **(
            {
                "decision_id": uuid.UUID(bytes=secrets.token_bytes(16)),
                "procedure": "1.004222",
                "case": "H01-1",
                "basis": "request",
                "purposes": (),
                "attributes": ("full_name", "permanent_address"),
                "until": clock.now() + timedelta(days=30),
                "uses_left": None,
            }
            | told
        )
    )


def about_scopes(*claims: str, **told: Any) -> Carried:
    """A decision about scopes: these claims may be told."""
    named = {"procedure": None, "case": None, "basis": "consent", "attributes": claims}
    return a_decision(**(named | told))
