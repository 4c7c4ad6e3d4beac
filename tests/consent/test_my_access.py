"""`/my/access` narrowed: by institution, basis, result, period, attribute and decision."""

import re
import uuid
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine

from consent.my import timeline as timelines
from identity import clock, trail
from identity.entry import Who
from tests.complaining import a_look
from tests.deciding import signed_in, words
from tests.markup import Markup
from tests.people import a_security_officer, minh
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("app", "catalogues")


@pytest.fixture
def office():
    """A service whose organisation has a name and a code of its own."""
    return an_office("Sở Xây dựng", "H29.7")


def seen(her, **narrowed):
    """The ids of the entries that the page shows."""
    page = her.client.get("/my/access", query_string=narrowed)
    assert page.status_code == 200, page.text
    return [int(number) for number in re.findall(r'data-entry="(\d+)"', page.text)]


def an_office(name, code):
    told = {"name": name, "code": code, "level": "province", "block": "government"}
    return a_service(organisation=told)


def test_institutions_stand_in_the_order_of_the_dictionary(her):
    """Đ follows D; by code points it would follow everything."""
    names = ["Sở Tài chính", "Đội Thanh tra", "Bộ Công an"]
    for place, name in enumerate(names):
        a_look(her.person, an_office(name, f"H30.{place}"))

    options = Markup(her.client.get("/my/access").text).all("option")

    listed = [option.words for option in options if option.words in names]
    assert listed == ["Bộ Công an", "Đội Thanh tra", "Sở Tài chính"]


def test_by_institution_every_service_of_it_and_no_other(her, office):
    hers = a_look(her.person, office)
    other = a_look(her.person, a_service())

    assert seen(her, institution="H29.7") == [hers.id]
    assert other.id in seen(her)
    options = Markup(her.client.get("/my/access").text).all("option", value="H29.7")
    assert [option.words for option in options] == ["Sở Xây dựng"]


def test_by_our_own_officers(her, office):
    a_look(her.person, office)
    officer = a_security_officer()
    looked = trail.record("staff:looked", Who(her.person.citizen_id, officer.id))

    assert seen(her, institution="staff") == [looked.id]


def test_by_basis_and_by_result(her, office):
    request, law = (a_look(her.person, office, basis=basis) for basis in ("request", "law"))
    refused = trail.record(
        "attributes:refused",
        Who(her.person.citizen_id),
        subject={"basis": "law", "result": "refused", "reason": "expired"},
    )

    assert seen(her, basis="request") == [request.id]
    assert seen(her, basis="law") == [refused.id, law.id]
    assert seen(her, basis="law", result="refused") == [refused.id]
    assert seen(her, result="released") == [law.id, request.id]


def test_by_period(her, office):
    with time_machine.travel(clock.now() - timedelta(days=40), tick=True):
        old = a_look(her.person, office)
    new = a_look(her.person, office)

    assert old.id not in seen(her, days="30")
    assert new.id in seen(her, days="30")
    assert old.id in seen(her, days="90")


def test_by_attribute_and_by_decision(her, office):
    decision = str(uuid.uuid4())
    one = a_look(her.person, office, attributes=["sex", "full_name"])
    other = a_look(her.person, office, attributes=["full_name"], decision_id=decision)

    assert seen(her, attribute="sex") == [one.id]
    assert seen(her, attribute="full_name") == [other.id, one.id]
    assert seen(her, decision=decision) == [other.id]


def test_every_entry_is_on_exactly_one_page_and_the_choice_goes_along(her, office, monkeypatch):
    """However few of those that are opened are meant."""
    monkeypatch.setattr(timelines, "PAGE", 2)
    monkeypatch.setattr(timelines, "BATCH", 3)
    monkeypatch.setattr(timelines, "TURNS", 1)
    wanted = []
    for n in range(14):
        written = a_look(her.person, office, basis="law" if n % 3 else "request")
        wanted += [written.id] if n % 3 else []

    found, path = [], "/my/access?basis=law&institution=H29.7"
    while path:
        page = her.client.get(path)
        found += [int(number) for number in re.findall(r'data-entry="(\d+)"', page.text)]
        path = next((a["href"] for a in Markup(page.text).all("a", rel="next")), None)
        if path:
            told = parse_qs(urlsplit(path).query)
            assert (told["basis"], told["institution"]) == (["law"], ["H29.7"])

    assert found == list(reversed(wanted))


def test_nothing_found_so_far_is_not_nothing(her, office, monkeypatch):
    """The last page alone says that there is none."""
    monkeypatch.setattr(timelines, "BATCH", 2)
    monkeypatch.setattr(timelines, "TURNS", 1)
    for _ in range(4):
        a_look(her.person, office)

    first = her.client.get("/my/access?basis=law")

    assert "tìm tiếp ở mục cũ hơn" in words(first)
    assert 'rel="next"' in first.text
    assert "Không có mục nào như vậy" in words(her.client.get("/my/access?days=7&institution=X"))


def test_the_form_says_what_is_chosen_and_offers_to_let_go(her, office):
    a_look(her.person, office)

    page = Markup(her.client.get("/my/access?basis=law&days=30").text)

    chosen = [option["value"] for option in page.all("option") if "selected" in option]
    assert chosen == ["", "law", "", "30"]
    assert [a for a in page.all("a", href="/my/access") if a.words == "Bỏ lọc"]


class TestAttacker:
    def test_anothers_decision_or_institution_narrows_ones_own(self, her, office, app):
        decision = str(uuid.uuid4())
        look = a_look(her.person, office, decision_id=decision)
        him = signed_in(app.test_client(), minh())

        for narrowed in ({"decision": decision}, {"institution": "H29.7"}, {"before": look.id + 1}):
            assert look.id not in seen(him, **narrowed)
        assert "Sở Xây dựng" not in him.client.get("/my/access").text

    @pytest.mark.parametrize("value", ["<script>1</script>", "' OR 1=1 --", "%", "x" * 500, "ẶỮỘ"])
    def test_what_means_nothing_is_not_repeated_and_breaks_nothing(self, her, value):
        for name in ("institution", "basis", "result", "days", "attribute", "decision"):
            page = her.client.get("/my/access", query_string={name: value})

            assert page.status_code == 200, name
            assert "<script>1" not in page.text, name

    def test_no_number_is_no_page(self, her):
        for before in ("x", "-1", "9" * 19, "9" * 5_000, "²"):
            assert her.client.get(f"/my/access?before={before}").status_code in {400, 414}, before
