"""A service adds to its grants, looks, gives back: Grant Management for OAuth 2.0."""

import json
import threading

import pytest

from consent.ledger import withdraw
from identity import jws
from identity.database import transaction
from identity.granted import grants
from identity.granted.grants import DecisionEnded
from identity.managed import asking, rewriting
from identity.managed.rewriting import Change
from tests.asking import answered
from tests.deciding import detail, signed_in
from tests.exchange import entries, publish_catalogues
from tests.managing import (
    BOTH,
    LICENCE,
    PROCEDURES,
    an_office,
    ask,
    at,
    created,
    decides,
    error,
    grant_of,
    merge,
    own_token,
    pushed,
    replacing,
)
from tests.people import lan

A_WHILE = 0.3  # long enough for whoever is not held up
pytestmark = pytest.mark.usefixtures("app")


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


def procedures(told):
    return sorted(one["procedure"] for one in told["authorization_details"])


class TestCreate:
    def test_the_answer_names_a_grant_of_its_own(self, her, office):
        """§5.5: only who asks for it is told; another authorization is another grant."""
        first, second = created(her, office), created(her, office)
        plain = decides(her, office, LICENCE)

        assert first["grant_id"] != second["grant_id"]
        assert "grant_id" not in plain

    def test_a_refresh_names_the_same_grant(self, her, office):
        first = created(her, office)

        again = office.refresh(first["refresh_token"]).json

        assert again["grant_id"] == first["grant_id"]

    def test_the_name_says_nothing_of_the_person(self, her, office):
        """§9."""
        told = created(her, office)
        raw = jws.from_base64url(told["grant_id"])

        assert her.person.citizen_id.bytes not in raw
        assert len(raw) >= 44  # sealed: a nonce, two ids, a tag

    def test_what_is_not_an_action_is_refused(self, her, office):
        """§5.4."""
        name = created(her, office)["grant_id"]

        for told in (
            {"grant_management_action": "query"},
            {"grant_management_action": "create", "grant_id": name},
            {"grant_management_action": "merge"},
            {"grant_id": name},
        ):
            assert error(office, **told) == "invalid_request"

    def test_a_service_without_a_credential_manages_no_grants(self, her):
        """§5.1."""
        app = an_office(
            her.client, token_endpoint_auth_method="none", grant_types=None, scope="openid"
        )

        assert error(app, grant_management_action="create") == "invalid_request"


class TestMerge:
    def test_the_grant_has_the_old_and_the_new(self, her, office):
        """§5.2; and one token says both."""
        first = created(her, office)
        before = grant_of(first)

        second = decides(her, office, LICENCE, **merge(first["grant_id"]))

        assert second["grant_id"] == first["grant_id"]
        assert procedures(second) == PROCEDURES
        after = grant_of(second)
        assert after.version > before.version
        assert {d.decision_id for d in before.decisions} < {d.decision_id for d in after.decisions}

    def test_tokens_from_before_are_dead(self, her, office):
        """§5.2: refresh tokens; here every token of the grant, since its version has passed."""
        first = created(her, office)

        second = decides(her, office, LICENCE, **merge(first["grant_id"]))

        assert office.refresh(first["refresh_token"]).json["error"] == "invalid_grant"
        assert not office.is_active(first["access_token"])
        assert office.is_active(second["access_token"])
        assert office.refresh(second["refresh_token"]).status_code == 200

    def test_no_decision_ends_and_none_is_made_twice(self, her, office):
        """History is appended: the person sees both, each once."""
        first = created(her, office)
        decides(her, office, LICENCE, **merge(first["grant_id"]))

        assert [row.state for row in her.decisions()] == ["given", "given"]

    def test_scopes_are_asked_for_together_so_that_one_token_says_them(self, her, office):
        """§5.2."""
        first = decides(her, office, scope="openid profile", grant_management_action="create")

        second = decides(her, office, scope="openid email", **merge(first["grant_id"]))

        assert set(second["scope"].split()) == {"openid", "profile", "email"}
        assert "name" in office.userinfo(second["access_token"]).json
        assert at(office, second["grant_id"]).json["claims"] == []  # §6.4: none by itself

    @pytest.mark.parametrize("how", [merge, replacing])
    def test_more_of_the_same_case_takes_the_place_of_less(self, her, office, how):
        """The newer decision stands alone, in the grant that carried nothing but the older one."""
        first = created(her, office, detail("full_name"))

        wider = detail("full_name", "date_of_birth")
        second = decides(her, office, wider, **how(first["grant_id"]))

        assert second["grant_id"] == first["grant_id"]
        (one,) = second["authorization_details"]
        assert set(one["attributes"]) == {"full_name", "date_of_birth"}
        assert sorted(row.state for row in her.decisions()) == ["given", "superseded"]
        assert not office.is_active(first["access_token"])
        assert office.is_active(second["access_token"])

    def test_the_release_goes_on_with_both(self, her, office):
        first = created(her, office)
        second = decides(her, office, LICENCE, **merge(first["grant_id"]))
        headers = {"Authorization": f"Bearer {second['access_token']}"}

        for code in PROCEDURES:
            answer = her.client.post("/api/attributes", json={"procedure": code}, headers=headers)
            assert answer.status_code == 200, answer.json

    def test_nobody_is_asked_about_what_stands(self, her, office):
        """Design §4: a live decision is taken in."""
        first, other = created(her, office), decides(her, office, LICENCE)

        back = ask(office, authorization_details=json.dumps([LICENCE]), **merge(first["grant_id"]))

        assert "code" in answered(back)
        assert other["authorization_details"][0]["decision_id"] in {
            str(d.decision_id) for d in grant_of(first).decisions
        }

    def test_a_pushed_request_may_do_it(self, her, office):
        """§5.2, RFC 9126: refused there and then when it names no grant."""
        first = created(her, office)

        good = pushed(office, **merge(first["grant_id"]))
        bad = pushed(office, **merge("x"))

        assert good.status_code == 201
        assert (bad.status_code, bad.json["error"]) == (400, "invalid_grant_id")


class TestReplace:
    def test_the_grant_has_the_new_alone(self, her, office):
        """§5.2."""
        first = created(her, office)

        second = decides(her, office, LICENCE, **replacing(first["grant_id"]))

        assert second["grant_id"] == first["grant_id"]
        assert procedures(second) == ["3.000347"]
        assert not office.is_active(first["access_token"])

    def test_what_no_grant_carries_any_more_is_given_back(self, her, office):
        """The person sees it, and the log says it."""
        first = created(her, office)
        decides(her, office, LICENCE, **replacing(first["grant_id"]))

        assert sorted(row.state for row in her.decisions()) == ["given", "returned"]
        assert entries(her.person.citizen_id)[-1].type in {"decision:given", "decision:returned"}
        assert "decision:returned" in {e.type for e in entries(her.person.citizen_id)}
        assert "Nơi nhận đã trả lại" in her.client.get("/my/consents").text

    def test_what_another_grant_carries_stands(self, her, office):
        first, second = created(her, office), created(her, office)

        decides(her, office, LICENCE, **replacing(first["grant_id"]))

        assert [row.state for row in her.decisions()] == ["given", "given"]
        assert office.is_active(second["access_token"])

    def test_a_no_leaves_the_grant_as_it_was(self, her, office):
        """Else refusing something new would take away what was given."""
        first = created(her, office)
        page = her.is_asked(office.played, LICENCE, **replacing(first["grant_id"]))
        page.deny()

        back = her.client.get(f"/authorize?request={page.request_id}")

        assert answered(back)["error"] == "access_denied"
        assert office.is_active(first["access_token"])
        assert procedures({"authorization_details": first["authorization_details"]}) == ["1.004222"]


class TestQuery:
    def test_it_tells_what_the_grant_holds_and_no_token(self, her, office):
        """§6.4."""
        told = created(her, office, scope="openid offline_access")

        answer = at(office, told["grant_id"])

        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        ((scope,),) = (one.values() for one in answer.json["scopes"])
        assert set(scope.split()) == {"openid", "offline_access"}
        assert answer.json["authorization_details"] == told["authorization_details"]
        assert answer.json.keys() == {
            *("scopes", "claims", "authorization_details", "created_at", "last_updated_at")
        }

    def test_after_a_withdrawal_it_tells_less(self, her, office):
        told = created(her, office, detail("full_name"), LICENCE)
        (gone, *_) = (one["decision_id"] for one in told["authorization_details"])
        row = next(r for r in her.decisions() if str(r.decision_id) == gone)
        withdraw.withdraw(row.decision_id, by=her.session)

        answer = at(office, told["grant_id"])

        assert gone not in {one["decision_id"] for one in answer.json["authorization_details"]}
        assert len(answer.json["authorization_details"]) == 1

    def test_each_act_needs_its_own_scope(self, her, office):
        """§6.1."""
        name = created(her, office)["grant_id"]
        look, end = (own_token(office, scope) for scope in BOTH.split())

        for method, token in (("GET", end), ("DELETE", look)):
            answer = at(office, name, method=method, token=token)
            assert (answer.status_code, answer.json["error"]) == (403, "insufficient_scope")

    def test_it_is_said_what_is_offered(self, client):
        """§7.1."""
        told = client.get("/.well-known/openid-configuration").json

        assert told["grant_management_endpoint"].endswith("/grants")
        actions = {"query", "revoke", *asking.ACTIONS}
        assert set(told["grant_management_actions_supported"]) == actions
        assert told["grant_management_action_required"] is False


class TestRevoke:
    def test_every_token_is_dead_and_the_grant_gone(self, her, office):
        """§6.5, §6.6."""
        told = created(her, office, scope="openid offline_access")

        assert at(office, told["grant_id"], method="DELETE").status_code == 204

        assert not office.is_active(told["access_token"])
        assert office.refresh(told["refresh_token"]).json["error"] == "invalid_grant"
        for method in ("GET", "DELETE"):
            assert at(office, told["grant_id"], method=method).status_code == 404

    def test_the_person_sees_that_it_was_given_back(self, her, office):
        told = created(her, office)

        at(office, told["grant_id"], method="DELETE")

        (row,) = her.decisions()
        last = entries(her.person.citizen_id)[-1]
        assert row.state == "returned"
        assert (last.type, last.subject["decision_id"]) == (
            "decision:returned",
            told["authorization_details"][0]["decision_id"],
        )
        assert her.client.get(f"/my/consents/{row.decision_id}").status_code == 200
        assert "Nơi nhận trả lại quyết định" in her.client.get("/my/access").text

    def test_the_next_request_asks_the_person_again(self, her, office):
        told = created(her, office)
        at(office, told["grant_id"], method="DELETE")

        back = ask(office, authorization_details=json.dumps([detail("full_name")]))

        assert back.location.startswith("/consent/")


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

    def test_another_services_grant_is_not_added_to(self, her, office):
        """§5.4."""
        told, other = created(her, office), an_office(her.client)

        for made in (merge, replacing):
            assert error(other, **made(told["grant_id"])) == "invalid_grant_id"
        assert grant_of(told).version == 1
