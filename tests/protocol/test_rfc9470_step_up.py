"""Step-up challenges of our API, RFC 9470."""

import csv
import io
import json
import re
from datetime import timedelta

import pytest
import time_machine

from consent.attributes import publish as attributes_file
from consent.procedures import catalogue
from consent.procedures import publish as procedures_file
from identity import clock
from identity.authentication import sign_in as sign_in_verbs
from identity.granted.gate import TokenRef
from tests.asking import Sender, answered, waiting
from tests.deciding import an_asking_service, detail, signed_in
from tests.exchange import PROCEDURE, ask, decision, entries, give, publish_catalogues, sign
from tests.people import lan, sign_in

pytestmark = pytest.mark.usefixtures("app")

FRESH, STRONG = "9.947001", "9.947002"  # of this file alone
AGE = 900


@pytest.fixture(scope="module", autouse=True)
def procedures(app, tmp_path_factory):
    """One that wants a sign-in of the last quarter of an hour, one that wants a stronger one."""
    del app
    publish_catalogues()
    packaged = procedures_file.packaged().read_text(encoding="utf-8")
    usual = next(r for r in csv.DictReader(io.StringIO(packaged)) if r["code"] == PROCEDURE)
    rows = [
        usual | {"code": FRESH, "max_auth_age_seconds": str(AGE)},
        usual | {"code": STRONG, "min_auth_level": "3", "max_auth_age_seconds": ""},
    ]
    file = tmp_path_factory.mktemp("sheets") / "procedures.csv"
    with file.open("w", encoding="utf-8", newline="") as sheet:
        writer = csv.DictWriter(sheet, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    procedures_file.publish(file, askable=attributes_file.askable())


@pytest.fixture
def service():
    return an_asking_service(procedures=[PROCEDURE, FRESH, STRONG])


def challenges(answer):
    """The members of each challenge, by scheme."""
    assert (answer.status_code, answer.json["type"]) == (401, "urn:motlan:error:step-up-needed")
    told = answer.headers.getlist("WWW-Authenticate")
    return {c.partition(" ")[0]: dict(re.findall(r'([a-z_]+)="([^"]*)"', c)) for c in told}


def asked_with(client, given, **members):
    """The API, with a token whose sign-in was like this."""
    now = {"assurance": "vn:auth:2", "authenticated_at": clock.now()}
    token = sign(given.service, _ref(given), given.carried, **(now | members))
    bearer = {"Authorization": f"Bearer {token}"}
    return client.post("/api/attributes", json={}, headers=bearer)


def _ref(given):
    return TokenRef(given.person.citizen_id, given.grant_id, 1, given.family_id)


def test_a_sign_in_that_is_too_old_is_asked_for_anew(client, service):
    """RFC 9470 §3: max_age."""
    given = give(lan(), service, decision("full_name", procedure=FRESH))
    late = clock.now() - timedelta(seconds=AGE + 5)

    told = challenges(asked_with(client, given, authenticated_at=late))

    assert told.keys() == {"Bearer", "DPoP"}
    for members in told.values():
        assert members["error"] == "insufficient_user_authentication"
        assert members["max_age"] == str(AGE)
        assert "acr_values" not in members
        assert members["resource_metadata"].endswith("/api")
    assert asked_with(client, given).status_code == 200


def test_a_sign_in_that_is_too_weak_is_asked_for_stronger(client, service):
    """RFC 9470 §3: acr_values."""
    strong = give(lan(), service, decision("full_name", procedure=STRONG))
    usual = give(lan(), service, decision("full_name"))

    assert challenges(ask(client, strong))["Bearer"]["acr_values"] == "vn:auth:3"
    weak = asked_with(client, usual, assurance="vn:auth:1")
    assert challenges(weak)["Bearer"]["acr_values"] == "vn:auth:2"
    assert asked_with(client, strong, assurance="vn:auth:3").status_code == 200


def test_the_refusal_stands_in_the_persons_log(client, service):
    """Design §2: somebody tried, and got nothing."""
    person = lan()
    given = give(person, service, decision("full_name", procedure=STRONG))

    ask(client, given)

    last = entries(person.citizen_id)[-1]
    assert (last.type, last.subject["reason"]) == ("attributes:refused", "step_up")
    assert "full_name" in last.subject["attributes"]


def test_authorize_does_what_the_challenge_says(client, service):
    """RFC 9470 §4: the members of the challenge, as parameters, give a token that passes."""
    person, sender = lan(), Sender(client, service)
    her = signed_in(client, person)
    page = her.is_asked(service, detail("full_name", procedure=FRESH))
    page.allow()
    first = page.redeem(service)["access_token"]

    with time_machine.travel(clock.now() + timedelta(seconds=AGE + 5), tick=True):
        # The first token is over by now; one of the same sign-in is refused as the first would be.
        asked = {"scope": "openid", "authorization_details": _details()}
        late = sender.redeem(answered(sender.ask(**asked))["code"]).json["access_token"]
        refused = client.post("/api/attributes", json={}, headers=_bearer(late))
        wanted = challenges(refused)["Bearer"]
        request_id = waiting(sender.ask(**asked, max_age=wanted["max_age"]))
        done = sign_in(client, person, query=f"?request={request_id}")
        fresh = sender.redeem(answered(client.get(done.location))["code"]).json["access_token"]

        assert client.post("/api/attributes", json={}, headers=_bearer(fresh)).status_code == 200
    assert first


def test_who_signed_in_too_weakly_for_an_essential_level_is_not_asked_again(
    client, service, monkeypatch
):
    """Unmet Authentication Requirements §2: an error, and neither a code nor a circle."""
    person, sender = lan(), Sender(client, service)
    wanted = {"id_token": {"acr": {"essential": True, "value": "vn:auth:2"}}}
    request_id = waiting(sender.ask(claims=json.dumps(wanted)))
    monkeypatch.setattr(sign_in_verbs, "ACR_OF_BOTH", 1)
    done = sign_in(client, person, query=f"?request={request_id}")

    told = answered(client.get(done.location))

    assert told["error"] == "unmet_authentication_requirements"
    assert "code" not in told


def test_who_signed_in_too_weakly_for_a_procedure_is_not_asked_again(client, service, monkeypatch):
    """Design §3: once is a step up, twice would be a circle."""
    sender, wanted = Sender(client, service), json.dumps([detail("full_name")])
    request_id = waiting(sender.ask(authorization_details=wanted))
    monkeypatch.setattr(sign_in_verbs, "ACR_OF_BOTH", 1)
    done = sign_in(client, lan(), query=f"?request={request_id}")

    assert answered(client.get(done.location))["error"] == "unmet_authentication_requirements"


def test_no_sign_in_raises_an_account_that_is_too_low(client, service, monkeypatch):
    """Design §3: a stronger sign-in, which this person could do, would change nothing."""
    sender, wanted = Sender(client, service), json.dumps([detail("full_name")])
    monkeypatch.setattr(sign_in_verbs, "ACR_OF_BOTH", 1)
    sign_in(client, lan(account_level=1))

    assert sender.error(authorization_details=wanted) == "unmet_authentication_requirements"


def _details():
    return json.dumps([detail("full_name", procedure=FRESH)])


def _bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_a_procedure_says_how_old_a_sign_in_may_be():
    """`procedures import`: a column that may be left out."""
    assert catalogue.procedure(FRESH).max_auth_age_seconds == AGE
    assert catalogue.procedure(STRONG).max_auth_age_seconds is None
    assert catalogue.procedure(PROCEDURE).max_auth_age_seconds is None


class TestAttacker:
    def test_a_token_that_says_nothing_of_the_sign_in_passes_nowhere(self, client, service):
        """RFC 9470 §6: absent is not enough, and neither is a level that nobody knows."""
        fresh = give(lan(), service, decision("full_name", procedure=FRESH))
        usual = give(lan(), service, decision("full_name"))

        assert "max_age" in challenges(asked_with(client, fresh, authenticated_at=None))["Bearer"]
        for assurance in (None, "vn:auth:9", "VN:AUTH:2", "vn:auth:2 "):
            answer = asked_with(client, usual, assurance=assurance)
            assert challenges(answer)["Bearer"]["acr_values"] == "vn:auth:2", assurance

    def test_who_has_no_decision_learns_nothing_of_what_it_would_need(self, client, service):
        """RFC 9470 §9: the challenge is for whoever could have the data."""
        given = give(lan(), service, decision("full_name"))

        answer = ask(client, given, procedure=STRONG)

        assert answer.status_code == 403
        assert "acr_values" not in str(answer.headers)
