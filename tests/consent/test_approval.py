"""The answer to identity: what may be asked, what has to be, what stands already (design §5)."""

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine

from consent.attributes import catalogue, records
from consent.attributes import publish as attributes_file
from consent.attributes.catalogue import UnknownAttribute
from consent.ledger import answer as answer_module
from consent.ledger import withdraw
from consent.ledger.answer import Ledger, MayNotAsk
from consent.procedures.catalogue import UnknownProcedure
from identity import clock
from identity.citizens import people
from identity.database import transaction
from identity.errors import Refusal
from identity.granted import approval
from identity.granted.approval import Approved, Ask, Asked, Detail, Refused, StepUp
from identity.public_services import registered
from identity.together import look
from tests.deciding import CONSENT, EVERY, LAW, an_asking_service, detail, signed_in
from tests.exchange import CASE, PROCEDURE, fill_register, told
from tests.people import minh

pytestmark = pytest.mark.usefixtures("app", "catalogues")
OURS = frozenset(EVERY)


def asked(her, service, *details, **changed):
    """The question as `/authorize` puts it."""
    return Asked(
        **(
            {
                "request_id": uuid.uuid4(),
                "citizen_id": her.person.citizen_id,
                "actor_id": her.person.citizen_id,
                "account_level": 2,
                "auth_level": 2,
                "public_service_id": registered.find(service.client_id).id,
                "procedures": OURS,
                "scopes": frozenset({"openid"}),
                "details": details,
                "must_ask": False,
                "outcome": None,
            }
            | changed
        )
    )


def test_the_ledger_has_joined():
    assert isinstance(approval.asked(), Ledger)


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        (Detail("9.999999", None, "H-1"), UnknownProcedure),
        (Detail(PROCEDURE, ("shoe_size",), "H-1"), UnknownAttribute),
        (Detail(PROCEDURE, ("FULL_NAME",), "H-1"), UnknownAttribute),
        (Detail(PROCEDURE, ("*",), "H-1"), UnknownAttribute),
        (Detail(PROCEDURE, ("religion",), "H-1"), MayNotAsk),
        (Detail(PROCEDURE, ("average_monthly_income",), "H-1"), MayNotAsk),
        (Detail("1.013833", None, "H-1"), MayNotAsk),
        (Detail(PROCEDURE, None, None), MayNotAsk),
        (Detail(LAW, None, None), MayNotAsk),
    ],
)
def test_what_no_citizen_should_be_asked_is_refused_before(wanted, refusal):
    """RFC 9396 §5; contract "Asking for data"."""
    with pytest.raises(refusal) as refused:
        Ledger().check([wanted], frozenset(), of=OURS)

    assert refused.value.code == "invalid_authorization_details"


def test_the_shorthand_without_a_case_is_for_consent_only():
    Ledger().check([Detail(CONSENT, None, None)], frozenset(), of=OURS)

    with pytest.raises(MayNotAsk):
        Ledger().check([Detail(PROCEDURE, None, None)], frozenset(), of=OURS)


def test_an_organisation_never_asks_for_its_own_register(her):
    """Design §6; number, name, birth date and sex are exempt."""
    keeper = f"K{uuid.uuid4().hex[:8].upper()}"
    organisation = {"name": "Địa chính", "code": keeper, "level": "province", "block": "government"}
    service = an_asking_service(organisation=organisation)
    attributes_file.publish_registers(attributes_file.packaged("registers.csv"))
    _let_keep("land", keeper)

    ours = Detail(PROCEDURE, ("full_name", "owns_dwelling"), CASE)
    with pytest.raises(MayNotAsk):
        Ledger().review(asked(her, service, ours))
    exempt = Detail(PROCEDURE, ("full_name", "date_of_birth"), CASE)
    assert isinstance(Ledger().review(asked(her, service, exempt)), Ask)


def _let_keep(register, code):

    row = next(row for row in records.registers() if row.name == register)
    with transaction():
        records.put_register(dict(row._mapping) | {"keeper_code": code})
    catalogue.forget()


def test_openid_alone_asks_nothing(her, service):
    assert Ledger().review(asked(her, service)) == Approved(None, ())


def test_what_is_open_leads_to_its_page(her, service):
    question = asked(her, service, Detail(PROCEDURE, None, CASE))

    assert Ledger().review(question) == Ask(f"/consent/{question.request_id}")


@pytest.mark.parametrize("levels", [{"auth_level": 1}, {"account_level": 1}])
def test_too_little_assurance_is_stepped_up_first(her, service, levels):
    """Law row 20."""
    question = asked(her, service, Detail(PROCEDURE, None, CASE), **levels)

    assert Ledger().review(question) == StepUp(auth_level=2, account_level=2)


def test_the_same_question_is_not_asked_twice(her, service):
    """Design §4: a live decision is taken in."""
    her.is_asked(service, detail("full_name")).allow()

    verdict = Ledger().review(asked(her, service, Detail(PROCEDURE, ("full_name",), CASE)))

    assert isinstance(verdict, Approved)
    assert [one.decision_id for one in verdict.decisions] == [her.decisions()[0].decision_id]


@pytest.mark.parametrize(
    "changed",
    [
        Detail(PROCEDURE, ("full_name",), "H-OTHER"),
        Detail(PROCEDURE, ("full_name", "date_of_birth"), CASE),
        Detail("3.000347", ("full_name",), CASE),
    ],
)
def test_another_question_is_asked(her, service, changed):
    her.is_asked(service, detail("full_name")).allow()

    assert isinstance(Ledger().review(asked(her, service, changed)), Ask)


def test_prompt_consent_asks_again(her, service):
    """OIDC Core §3.1.2.1."""
    her.is_asked(service, detail("full_name")).allow()
    again = asked(her, service, Detail(PROCEDURE, ("full_name",), CASE), must_ask=True)

    assert isinstance(Ledger().review(again), Ask)


def test_what_was_withdrawn_is_asked_again(her, service):
    her.is_asked(service, detail("full_name")).allow()
    withdraw.withdraw(her.decisions()[0].decision_id, by=her.session)

    again = asked(her, service, Detail(PROCEDURE, ("full_name",), CASE))

    assert isinstance(Ledger().review(again), Ask)


def test_what_one_service_may_another_must_ask(her, service):
    her.is_asked(service, detail("full_name")).allow()

    other = asked(her, an_asking_service(), Detail(PROCEDURE, ("full_name",), CASE))

    assert isinstance(Ledger().review(other), Ask)


def test_what_one_person_allowed_another_must_be_asked(her, service, app):
    him = signed_in(app.test_client(), minh())
    him.is_asked(service, detail("full_name")).allow()

    hers = asked(her, service, Detail(PROCEDURE, ("full_name",), CASE))

    assert isinstance(Ledger().review(hers), Ask)


def test_what_has_passed_its_time_is_asked_again(her, service):
    """Before the worker has said that it is over, too."""
    her.is_asked(service, detail("full_name")).allow()
    question = asked(her, service, Detail(PROCEDURE, ("full_name",), CASE))

    with time_machine.travel(her.decisions()[0].until - timedelta(seconds=1), tick=False):
        assert isinstance(Ledger().review(question), Approved)
    with time_machine.travel(her.decisions()[0].until, tick=False):
        assert isinstance(Ledger().review(question), Ask)


@pytest.mark.parametrize(
    ("details", "scopes", "is_refused"),
    [
        ([detail("full_name")], "openid", False),
        ([detail("full_name", procedure=CONSENT, case=None)], "openid", True),
        ([], "openid profile", True),
        ([detail("full_name")], "openid profile", False),
    ],
)
def test_a_no_ends_the_request_only_where_consent_was_all(
    her, service, details, scopes, is_refused
):
    """Contract "Asking for data"."""
    page = her.is_asked(service, *details, scope=scopes)
    page.deny()
    question = asked(
        her,
        service,
        *(Detail(one["procedure"], tuple(one["attributes"]), one.get("case")) for one in details),
        scopes=frozenset(scopes.split()),
        outcome=page.outcome,
    )

    if is_refused:
        with pytest.raises(Refused) as refused:
            Ledger().review(question)
        assert refused.value.code == "access_denied"
    else:
        refused = frozenset(scopes.split()) - {"openid"}
        assert Ledger().review(question) == Approved(None, (), refused)


@pytest.mark.parametrize("scope", ["openid profile", "openid"])
def test_a_no_to_what_is_new_leaves_what_stands_already(her, service, scope):
    """Contract "Asking for data": the sign-in completes without what was refused."""
    stands = detail("full_name") if scope == "openid" else None
    before = [stands] if stands else []
    her.is_asked(service, *before, scope=scope).allow()
    page = her.is_asked(
        service, *before, detail("full_name", procedure=CONSENT, case=None), scope=scope
    )
    page.deny()

    bought = page.redeem(service)

    told = [one["procedure"] for one in bought["authorization_details"]]
    assert (told, bought["scope"]) == ([PROCEDURE] if stands else [], scope)


def test_values_behind_scopes_are_read_by_the_statements_own_citizen(her):
    """OIDC Core §5.1."""
    address = {"text": "Phường Hoàn Kiếm, Hà Nội", "code": None, "valid_from": None}
    fill_register("residence", told(her.person, "permanent_address", address))
    assert Ledger().tellable(
        her.person.citizen_id, frozenset({"address", "phone_number"})
    ) == frozenset({"address"})
    (clause,) = Ledger().userinfo(frozenset({"name", "address"}))

    answer = look(people.identity_clause(her.person.citizen_id), clause)

    claims = Ledger().claims(answer, people.key_from(answer))
    assert claims == {"address": {"formatted": "Phường Hoàn Kiếm, Hà Nội"}}
    assert Ledger().userinfo(frozenset({"name", "gender"})) == ()


class TestAttacker:
    """Security cases 44, 45 and 51."""

    def test_an_outcome_of_another_person_is_none(self, her, service, app):
        page = her.is_asked(service, detail("full_name"))
        page.allow()
        him = signed_in(app.test_client(), minh())

        question = asked(
            him, service, Detail(PROCEDURE, ("full_name",), CASE), outcome=page.outcome
        )

        assert isinstance(Ledger().review(question), Ask)

    def test_new_words_are_a_new_question(self, her, service, monkeypatch):
        """Case 51."""
        her.is_asked(service, detail("full_name")).allow()
        monkeypatch.setattr(answer_module, "TEXT_VERSION", "2")

        again = asked(her, service, Detail(PROCEDURE, ("full_name",), CASE))

        assert isinstance(Ledger().review(again), Ask)

    def test_an_attribute_that_means_something_else_is_a_new_question(
        self, her, service, monkeypatch
    ):
        """Case 51."""
        her.is_asked(service, detail("full_name")).allow()
        known = catalogue.attribute
        monkeypatch.setattr(
            catalogue, "attribute", lambda name: replace(known(name), meant_since=clock.now())
        )

        again = asked(her, service, Detail(PROCEDURE, ("full_name",), CASE))

        assert isinstance(Ledger().review(again), Ask)

    def test_a_meaning_that_changed_while_the_page_was_open_is_a_new_question(
        self, her, service, monkeypatch
    ):
        """Case 51: nothing would be released on it, so it is not taken for decided either."""
        page = her.is_asked(service, detail("full_name"))
        page.get()
        known, at = catalogue.attribute, clock.now()
        monkeypatch.setattr(
            catalogue, "attribute", lambda name: replace(known(name), meant_since=at)
        )
        page.allow()

        again = asked(her, service, Detail(PROCEDURE, ("full_name",), CASE))

        assert isinstance(Ledger().review(again), Ask)

    def test_a_refused_request_leaves_no_way_to_the_data(self, her, service):
        page = her.is_asked(service, detail("full_name"))
        page.deny()

        again = asked(her, service, Detail(PROCEDURE, ("full_name",), CASE))

        assert isinstance(Ledger().review(again), Ask)
        with pytest.raises(Refusal):
            Ledger().check([Detail(PROCEDURE, ("religion",), CASE)], frozenset(), of=OURS)
