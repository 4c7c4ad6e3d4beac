"""Strangers, other services and races at the grants of a service: Grant Management."""

import json
import threading

import pytest

from consent.ledger import withdraw
from identity.database import transaction
from identity.granted import grants
from identity.granted.grants import DecisionEnded
from identity.managed import rewriting
from identity.managed.rewriting import Change
from tests.asking import answered
from tests.deciding import signed_in
from tests.exchange import publish_catalogues
from tests.managing import (
    BOTH,
    LICENCE,
    an_office,
    ask,
    at,
    created,
    decides,
    error,
    grant_of,
    merge,
    own_token,
    replacing,
)
from tests.offices import Office
from tests.people import lan, minh

pytestmark = pytest.mark.usefixtures("app")
A_WHILE = 0.3  # long enough for whoever is not held up


@pytest.fixture(scope="module", autouse=True)
def _catalogues(app):
    del app
    publish_catalogues()


@pytest.fixture
def her(client):
    return signed_in(client, lan())


@pytest.fixture
def office(her):
    return an_office(her.client)


def decision(told):
    (one,) = told["authorization_details"]
    return one["decision_id"]


def taking(told, decision_id):
    """A merge that takes one decision in."""
    found = grant_of(told)
    return Change(grant=found, scope=found.scope, taken=(decision_id,), is_replaced=False)


class Beside(threading.Thread):
    """Something in a transaction on another connection; what it raised is kept."""

    def __init__(self, act):
        super().__init__(target=self._run)
        self.act, self.raised = act, None
        self.start()

    def _run(self):
        try:
            with transaction():
                self.act()
        except Exception as error:  # noqa: BLE001 - looked at by the test
            self.raised = error


class TestAttacker:
    @pytest.mark.parametrize("method", ["GET", "DELETE"])
    def test_another_services_grant_is_as_one_that_is_not_there(self, her, office, method):
        told, other = created(her, office), an_office(her.client)

        theirs = at(other, told["grant_id"], method=method)
        nobodys = at(other, told["grant_id"][:-4] + "AAAA", method=method)

        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json["error_description"] == nobodys.json["error_description"]
        assert office.is_active(told["access_token"])

    @pytest.mark.parametrize(
        "name", ["x", "<grant_id>", "A" * 10_000, "..%2f..%2fetc", "é", "'; --"]
    )
    def test_an_invented_name_is_not_found(self, office, name):
        assert at(office, name).status_code == 404

    @pytest.mark.parametrize("first", ["merge", "withdraw"])
    def test_of_a_merge_and_a_withdrawal_the_later_one_sees_the_earlier(self, her, office, first):
        """Design §4, both orders forced: a withdrawn decision is in no grant."""
        told, other = created(her, office), decides(her, office, LICENCE)
        row = next(r for r in her.decisions() if str(r.decision_id) == decision(other))
        acts = {
            "merge": lambda t=told, r=row: rewriting.rewrite(taking(t, r.decision_id)),
            "withdraw": lambda r=row: grants.drop_decision(r.citizen_id, r.decision_id),
        }
        (second,) = acts.keys() - {first}

        with transaction():
            acts[first]()
            later = Beside(acts[second])
            later.join(A_WHILE)
            assert later.is_alive()
        later.join()

        assert row.decision_id not in {d.decision_id for d in grant_of(told).decisions}
        assert isinstance(later.raised, DecisionEnded) is (second == "merge")

    def test_another_services_grant_is_not_added_to(self, her, office):
        """§5.4."""
        told, other = created(her, office), an_office(her.client)

        for made in (merge, replacing):
            assert error(other, **made(told["grant_id"])) == "invalid_grant_id"
        assert grant_of(told).version == 1

    def test_another_person_adds_nothing_to_a_grant(self, her, office, app):
        """A service sends the name of her grant along in somebody else's browser."""
        told, browser = created(her, office), app.test_client()
        signed_in(browser, minh())
        his = Office(browser, office.played)

        for made in (merge, replacing):
            assert error(his, **made(told["grant_id"])) == "invalid_grant_id"
        assert grant_of(told).version == 1

    def test_a_token_of_a_person_opens_no_grant(self, her, office):
        told = created(her, office)

        for token in (told["access_token"], told["id_token"], told["refresh_token"]):
            assert at(office, told["grant_id"], token=token).status_code in {401, 403}

    def test_a_revoked_token_looks_no_more(self, her, office):
        told, token = created(her, office), own_token(office)
        office.post("/revoke", token=token)

        answer = at(office, told["grant_id"], token=token)

        assert (answer.status_code, answer.json["error"]) == (401, "invalid_token")

    def test_the_scopes_are_nobodys_who_did_not_register_them(self, her):
        """§6.1: saying nothing registers every scope of persons, and none of these."""
        plain = an_office(her.client, scope=None)

        answer = plain.post("/token", grant_type="client_credentials", scope=BOTH)

        assert answer.json["error"] == "invalid_scope"

    def test_a_withdrawn_decision_does_not_come_back_by_a_merge(self, her, office):
        first, other = created(her, office), decides(her, office, LICENCE)
        row = next(r for r in her.decisions() if r.procedure == "3.000347")
        withdraw.withdraw(row.decision_id, by=her.session)

        back = ask(office, authorization_details=json.dumps([LICENCE]), **merge(first["grant_id"]))

        assert back.location.startswith("/consent/")
        assert row.decision_id not in {d.decision_id for d in grant_of(first).decisions}
        assert not office.is_active(other["access_token"])

    def test_a_code_from_before_buys_nothing_afterwards(self, her, office):
        """A code is as dead as the tokens: it would sign what the grant was."""
        first = created(her, office)
        waiting = answered(ask(office, **merge(first["grant_id"])))["code"]
        decides(her, office, LICENCE, **merge(first["grant_id"]))

        form = {
            "grant_type": "authorization_code",
            "code": waiting,
            "redirect_uri": office.service.redirect_uris[0],
            "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        }
        assert office.post("/token", **form).json["error"] == "invalid_grant"
