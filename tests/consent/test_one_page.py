"""One authorization request is one page, whatever it rests on; and what each answer to it does."""

import pytest

from consent.ledger.records import State
from tests.deciding import CONSENT, LAW, PROCEDURE, detail, words
from tests.exchange import CASE
from tests.markup import Markup

pytestmark = pytest.mark.usefixtures("app", "catalogues")


@pytest.fixture
def asked(her, service):
    """All three grounds at once, and the scopes."""
    return her.is_asked(
        service,
        detail("full_name", "owns_dwelling"),
        detail("full_name", procedure=CONSENT, case=None),
        detail("full_name", procedure=LAW),
        scope="openid profile",
    )


def test_three_grounds_are_three_sections_of_one_form(asked):
    """Design §5: request, consent, law; two buttons for all of it."""
    page = Markup(asked.get().text)

    sections = [one["id"] for one in page.all("section")]
    assert sections == ["basis-request", "basis-consent", "basis-law"]
    (form,) = page.all("form")
    assert all(form in one.parents for one in page.all("section"))
    assert [one["id"] for one in page.within(form, "button")] == ["consent-allow", "consent-deny"]
    assert len(list(page.all("input", name="purpose"))) == 2


def test_it_says_what_a_no_does_to_the_whole_page(asked):
    """What if I refuse: said before the buttons, where more than one thing is asked."""
    page = Markup(asked.get().text)

    said = page.by_id("refusing").words
    assert "Bấm Tôi tự nộp thì không gửi gì trên trang này." in said
    assert "Mục đích chưa đánh dấu thì không gửi." in said
    places = [page.elements.index(page.by_id(name)) for name in ("refusing", "consent-allow")]
    assert places == sorted(places)


def test_of_one_thing_its_own_words_are_enough(her, service):
    page = her.is_asked(service, detail("full_name")).get()

    assert 'id="refusing"' not in page.text
    assert "Không gửi thì tự nộp giấy tờ" in words(page)


def test_a_no_sends_nothing_of_any_ground(her, service, asked):
    """The contract: *Tôi tự nộp* completes the sign-in, with nothing granted."""
    asked.deny()

    states = {(row.procedure, row.state) for row in her.decisions()}
    refused = State.REFUSED
    assert states == {(PROCEDURE, refused), (CONSENT, refused), (None, refused)}
    assert asked.redeem(service).get("authorization_details", []) == []


def test_a_yes_sends_what_was_asked_and_ticked_and_what_the_law_says(her, service, asked):
    """Nothing that was not ticked; each part is a decision of its own."""
    asked.allow(purpose=CONSENT)

    given = {row.procedure: row.case for row in her.decisions() if row.state is State.GIVEN}
    assert given == {PROCEDURE: CASE, CONSENT: None, LAW: CASE}
    granted = asked.redeem(service)["authorization_details"]
    assert {one["procedure"] for one in granted} == set(given)


@pytest.mark.parametrize("procedure", [PROCEDURE, CONSENT, LAW])
def test_later_is_a_plain_link_that_decides_nothing(her, service, procedure):
    """*Để sau*, on every ground; the request still waits where it was."""
    waiting = her.is_asked(service, detail("full_name", procedure=procedure))
    page = Markup(waiting.get().text)

    link = page.by_id("later")
    assert (link.tag, link["href"], link.words) == ("a", "/my", "Để sau")
    assert her.client.get(link["href"]).status_code == 200
    assert her.decisions() == []
    assert waiting.outcome is None
    assert waiting.get().status_code == 200
