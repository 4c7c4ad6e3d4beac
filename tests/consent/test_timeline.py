"""`/my/access`: each citizen sees every look at their data, and nobody else's."""

import re
from datetime import timedelta

import pytest
import time_machine

from consent.audit.sequencer import sequence
from consent.my import timeline as timelines
from consent.my.timeline import timeline
from identity import clock, trail
from identity.entry import Who
from tests.deciding import words
from tests.desks import rows
from tests.exchange import ask, decision, entries, fill_register, give, told
from tests.people import a_security_officer, lan, minh, sign_in
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("app", "catalogues")


def test_a_look_is_shown_with_agency_procedure_case_basis_and_items(app):
    """Design §5, reference access-log §7.9."""
    her, service = lan(), a_service()
    given = give(her, service, decision("full_name"))
    hers = app.test_client()
    assert ask(app.test_client(), given).status_code == 200
    sign_in(hers, her)

    page = hers.get("/my/access")

    released = next(e for e in entries(her.citizen_id) if e.type == "attributes:released")
    assert released.id in rows(page)
    said = words(page)
    assert given.carried[0].case in said
    assert "Theo yêu cầu" in said
    assert "1.004222" in said
    assert "Họ, chữ đệm và tên" in said or "Họ và tên" in said or "Họ tên" in said
    assert "Đã gửi" in said


def test_a_refused_look_is_shown_as_refused_with_its_reason(app):
    her, service = lan(), a_service()
    given = give(her, service, decision("full_name", until=clock.now() - timedelta(days=1)))
    assert ask(app.test_client(), given).status_code == 403
    hers = app.test_client()
    sign_in(hers, her)

    said = words(hers.get("/my/access"))

    assert "Từ chối" in said
    assert "quyết định đã hết hạn" in said


def test_a_linked_person_sees_the_agency_and_not_the_matter(app):
    """Design §5: values about another person."""
    wife, husband = lan(), minh()
    spouse = told(wife, "spouse_full_name", husband.full_name, about=husband.national_id)
    fill_register("civil_status", spouse)
    given = give(wife, a_service(), decision("spouse_full_name"))
    assert ask(app.test_client(), given).status_code == 200
    his = app.test_client()
    sign_in(his, husband)

    page = his.get("/my/access")

    (look,) = (e for e in entries(husband.citizen_id) if e.type == "attributes:released")
    assert f'id="linked-{look.id}"' in page.text
    assert given.carried[0].case not in page.text
    assert "1.004222" not in page.text
    assert str(given.decision_id) not in page.text
    assert wife.full_name not in page.text


def test_nobody_sees_a_look_at_somebody_else(app):
    her, him = lan(), minh()
    trail.record("sign_in:refused", Who(citizen=her.citizen_id), subject={"reason": "password"})
    his = app.test_client()
    sign_in(his, him)

    page = his.get("/my/access")

    assert not {e.id for e in entries(her.citizen_id)} & set(rows(page))


def test_reading_it_is_not_an_entry(app):
    """Design §2: a citizen looking at their own data is not an entry."""
    her, hers = lan(), app.test_client()
    sign_in(hers, her)
    before = len(entries(her.citizen_id))

    hers.get("/my/access")

    assert len(entries(her.citizen_id)) == before


def test_who_is_not_signed_in_is_sent_to_sign_in(client):
    answer = client.get("/my/access")

    assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/sign-in")


def test_every_entry_is_on_exactly_one_page(app, monkeypatch):
    monkeypatch.setattr(timelines, "PAGE", 3)
    her, hers = lan(), app.test_client()
    for _ in range(7):
        trail.record("sign_in:succeeded", Who(her.citizen_id, her.citizen_id))
    sign_in(hers, her)

    seen, path = [], "/my/access"
    while path:
        page = hers.get(path)
        assert len(rows(page)) <= 3
        seen += rows(page)
        link = re.search(r'href="(/my/access\?before=\d+)"', page.text)
        path = link[1] if link else None

    assert seen == [e.id for e in reversed(entries(her.citizen_id))]


@pytest.mark.parametrize("before", ["x", "-1", "1e3", "9" * 30, "²"])
def test_a_page_address_that_is_none_is_refused_as_such(app, before):
    hers = app.test_client()
    sign_in(hers, lan())

    assert hers.get("/my/access", query_string={"before": before}).status_code == 400


def test_an_entry_stands_there_before_and_after_it_has_its_place():
    her = lan()
    written = trail.record("sign_in:succeeded", Who(her.citizen_id, her.citizen_id))

    fresh = timeline(her.citizen_id, before=None, language="vi")
    while sequence():
        pass
    placed = timeline(her.citizen_id, before=None, language="vi")

    assert [(d.looks[0].id, d.looks[0].position, fresh.listed) for d in fresh.days] == [
        (written.id, None, 0)
    ]
    assert placed.days[0].looks[0].position is not None
    assert (placed.listed, placed.missing) == (1, 0)


def test_a_day_is_a_day_in_viet_nam():
    her = lan()
    for moment in ("2026-11-21T16:59:59Z", "2026-11-21T17:00:00Z"):
        with time_machine.travel(moment):
            trail.record("sign_in:succeeded", Who(her.citizen_id, her.citizen_id))

    told = timeline(her.citizen_id, before=None, language="vi")

    assert [day.on.isoformat() for day in told.days] == ["2026-11-22", "2026-11-21"]


def test_what_an_officer_wrote_is_shown_as_text(app):
    """Security case 61: nothing written in the log becomes markup."""
    her, officer, hers = lan(), a_security_officer(), app.test_client()
    trail.record(
        "staff:looked",
        Who(her.citizen_id, officer.id),
        subject={"reason": "<script>alert(1)</script>{{ 7*7 }}", "case": "\u202eH-1"},
        acting={"unit": "<b>Đơn vị</b>"},
    )
    sign_in(hers, her)

    page = hers.get("/my/access")

    assert "<script>alert" not in page.text
    assert "<b>Đơn vị" not in page.text
    assert "{{ 7*7 }}" in page.text


class TestAttacker:
    def test_an_entry_whose_keys_are_gone_is_still_shown(self, own_log):
        her, hers = lan(), own_log.app.test_client()
        (written,) = own_log.is_told(1, citizen=her.citizen_id)
        own_log.vandal.does("DELETE FROM entry_key WHERE entry_id = :1", written)
        sign_in(hers, her)

        page = hers.get("/my/access")

        assert written in rows(page)
        assert "Không đọc được" in page.text

    def test_an_entry_that_was_removed_leaves_a_gap_that_is_told(self, own_log):
        """The Danish lesson: nobody can tell what is left out, unless the list is numbered."""
        her, hers = lan(), own_log.app.test_client()
        written, _ = own_log.grows(2, citizen=her.citizen_id)
        sign_in(hers, her)
        assert 'id="missing"' not in hers.get("/my/access").text

        own_log.vandal.does("DELETE FROM access_entry WHERE id = :1", written)

        page = hers.get("/my/access")
        assert written not in rows(page)
        assert 'id="missing"' in page.text

    def test_the_page_address_of_another_shows_ones_own(self, app):
        her, him, his = lan(), minh(), app.test_client()
        written = trail.record("sign_in:succeeded", Who(her.citizen_id, her.citizen_id))
        sign_in(his, him)

        page = his.get("/my/access", query_string={"before": written.id + 1, "citizen": "x"})

        assert written.id not in rows(page)
