"""A public service that manages its grants, and the citizen who gives them."""

from typing import Any
from urllib.parse import urlencode

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from identity.granted import grants
from identity.granted.grants import Grant
from identity.managed import names
from tests.asking import answered
from tests.deciding import Citizen, detail
from tests.offices import GRANT_TYPES, Office
from tests.public_services import a_service

PROCEDURES = ["1.004222", "3.000347"]
SCOPES = "openid profile email offline_access grant_management_query grant_management_revoke"
BOTH = "grant_management_query grant_management_revoke"
LICENCE = detail("full_name", procedure="3.000347", case="GPLX-1")


def an_office(client: FlaskClient, **members: Any) -> Office:
    """One that may do all of it."""
    told = {"grant_types": GRANT_TYPES, "procedures": PROCEDURES, "scope": SCOPES}
    return Office(client, a_service(**(told | members)))


def decides(
    her: Citizen, office: Office, *details: Any, scope: str = "openid", **more: Any
) -> dict[str, Any]:
    """What the service gets for a request, which she allows where she is asked."""
    page = her.is_asked(office.played, *details, scope=scope, **more)
    if page.get().status_code == 200:
        page.allow()
    return page.redeem(office.played)


def created(her: Citizen, office: Office, *details: Any, **more: Any) -> dict[str, Any]:
    """The tokens of a new grant, which the service is told the name of."""
    told = details or (detail("full_name"),)
    return decides(her, office, *told, grant_management_action="create", **more)


def own_token(office: Office, scope: str = BOTH) -> str:
    """A token of the service for itself."""
    told = office.post("/token", grant_type="client_credentials", scope=scope)
    return str(told.json["access_token"])


def at(office: Office, name: str, *, method: str = "GET", token: str | None = None) -> TestResponse:
    """What the endpoint says of a grant."""
    bearer = {"Authorization": f"Bearer {token or own_token(office)}"}
    return office.client.open(f"/grants/{name}", method=method, headers=bearer)


def grant_of(told: dict[str, Any]) -> Grant:
    """The grant of a token response, as it stands."""
    named = names.find(told["grant_id"])
    found = named and grants.find_grant(*named)
    assert found
    return found


def error(office: Office, **told: Any) -> str:
    """The error that goes back by the browser."""
    return answered(ask(office, **told))["error"]


def ask(office: Office, **told: Any) -> TestResponse:
    """The browser comes with a request."""
    return office.client.get("/authorize?" + urlencode(query(office) | told))


def pushed(office: Office, **told: Any) -> TestResponse:
    """The service pushes it."""
    return office.post("/par", **(query(office) | told))


def query(office: Office) -> dict[str, str]:
    """The parameters of an honest request."""
    return {
        "client_id": office.played.client_id,
        "redirect_uri": office.service.redirect_uris[0],
        "response_type": "code",
        "scope": "openid",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }


def merge(name: str) -> dict[str, str]:
    """What adds to a grant."""
    return {"grant_management_action": "merge", "grant_id": name}


def replacing(name: str) -> dict[str, str]:
    """What puts something else into it."""
    return {"grant_management_action": "replace", "grant_id": name}
