"""An organisation that registers its services by itself, with what an operator gave it."""

import itertools
import uuid
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from identity.self_registration import invitations
from identity.self_registration.invitations import Policy
from tests.public_services import Played

_numbers = itertools.count(1)


def an_organisation(**members: Any) -> dict[str, Any]:
    """One that nobody has heard of yet."""
    told = {"name": "Sở Tư pháp", "level": "province", "block": "government"}
    return told | {"code": f"J{next(_numbers)}.H{uuid.uuid4().hex[:12].upper()}"} | members


def an_invitation(*, uses: int = 1_000, days: int = 7, **allowed: Any) -> tuple[str, uuid.UUID]:
    """A fresh initial access token of a fresh organisation, and how operators call it."""
    return invitations.invite(an_organisation(), Policy(**allowed), uses=uses, days=days)


def metadata(**members: Any) -> dict[str, Any]:
    """What an honest service sends; a member that is null is left out."""
    host = f"{next(_numbers)}-{uuid.uuid4().hex[:12]}.motlan.test"
    told = {
        "client_name": "Probate office",
        "redirect_uris": [f"https://{host}/callback"],
        **members,
    }
    return {name: value for name, value in told.items() if value is not None}


def bearer(token: str) -> dict[str, str]:
    """The header of RFC 6750 §2.1."""
    return {"Authorization": f"Bearer {token}"}


@dataclass
class Registrar:
    """Whoever holds one initial access token."""

    client: FlaskClient
    token: str

    def register(self, **members: Any) -> TestResponse:
        """`POST /register` of an honest service with these members."""
        return self.client.post("/register", json=metadata(**members), headers=bearer(self.token))

    def registered(self, **members: Any) -> dict[str, Any]:
        """What is answered to one that is taken."""
        answer = self.register(**members)
        assert answer.status_code == 201, answer.json
        told: dict[str, Any] = answer.json
        return told

    def error(self, **members: Any) -> tuple[str, str]:
        """The word and the sentence of a refusal."""
        answer = self.register(**members)
        assert answer.status_code == 400, answer.json
        return answer.json["error"], answer.json["error_description"]


def a_registrar(client: FlaskClient, **allowed: Any) -> Registrar:
    """One whose token allows this."""
    return Registrar(client, an_invitation(**allowed)[0])


def played(told: dict[str, Any]) -> Played:
    """The service that was registered, as the test plays it."""
    return Played(told["client_id"], told.get("client_secret"))
