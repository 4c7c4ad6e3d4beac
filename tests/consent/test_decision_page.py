"""The decision page: what it shows, what it lets through (design §5, contract "Pages")."""

import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine

from consent.attributes import values
from identity import clock
from identity.database import transaction
from identity.granted import grants
from tests.deciding import CONSENT, LAW, Citizen, an_asking_service, detail, shown, signed_in, words
from tests.exchange import CASE, entries, fill_register, told
from tests.people import form_token, lan, minh

pytestmark = pytest.mark.usefixtures("app", "catalogues")
LAND = ("full_name", "personal_number", "owns_dwelling")


@pytest.fixture
def her(client):
    person = lan()
    fill_register("land", told(person, "owns_dwelling", value=True))
    return signed_in(client, person)


def test_a_request_shows_the_real_values_with_source_and_day(her, service):
    """Law §3, *request*."""
    page = her.is_asked(service, detail(*LAND)).get()

    assert page.status_code == 200
    text = words(page)
    assert "Nguyễn Thị Lan" in text
    assert "Có" in text
    assert clock.today().strftime("%d/%m/%Y") in text
    assert "Gửi cho Cơ quan thuế" in text
    assert "Tôi tự nộp" in text
    assert CASE in text


def test_the_personal_number_is_covered_until_one_asks(her, service):
    """Invariant 4; contract "Pages"."""
    page = her.is_asked(service, detail(*LAND)).get()

    summary = re.search(r"<details><summary>([^<]+)</summary>", page.text)
    assert summary is not None
    assert her.person.national_id not in summary[1]
    assert summary[1].endswith(her.person.national_id[-3:])


def test_nothing_is_ticked_and_both_buttons_weigh_the_same(her, service):
    """Decree 356 Art. 6.3; contract "Pages"."""
    scoped = her.is_asked(
        service, detail("full_name", "contact_phone", procedure=CONSENT), scope="openid profile"
    )

    page = scoped.get()

    assert " checked" not in page.text
    buttons = re.findall(r"<button ([^>]*)>", page.text)
    assert [re.sub(r'(id|value)="[^"]*"', "", b).strip() for b in buttons] == ['name="answer"'] * 2
    assert 'id="consent-allow"' in page.text
    assert 'id="consent-deny"' in page.text
    assert 'id="object"' in page.text


def test_a_value_past_its_freshness_is_marked(her, service):
    """Design §5: released as stale, and said so before."""
    long_ago = (clock.today() - timedelta(days=400)).isoformat()
    fill_register("land", told(her.person, "land_certificate_number", "DĐ 1", as_of=long_ago))

    page = her.is_asked(service, detail("full_name", "land_certificate_number")).get()

    assert words(page).count("Có thể đã cũ") == 1


def test_a_value_about_another_person_is_flagged(her, service):
    """Design §5."""
    fill_register("civil_status", told(her.person, "marriage_record_number", "12/2015"))

    page = her.is_asked(service, detail("full_name", "marriage_record_number")).get()

    assert words(page).count("Về người khác") == 1


def test_law_is_a_notice_without_a_choice(her, service):
    """Law §3: never a fake choice."""
    page = her.is_asked(service, detail("full_name", procedure=LAW)).get()

    assert 'id="notice-continue"' in page.text
    assert 'id="consent-deny"' not in page.text
    assert 'id="object"' in page.text
    assert "Căn cứ" in page.text


def test_sensitive_data_is_said_to_be_so(her, service):
    """Decree 356 Art. 6.4."""
    page = her.is_asked(service, detail("full_name", "ethnicity", procedure=LAW)).get()

    assert "dữ liệu cá nhân nhạy cảm" in words(page)


def test_the_form_may_lead_to_the_service_and_nowhere_else(her, service):
    """Design §8, CSP."""
    page = her.is_asked(service, detail(*LAND)).get()

    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self' https://" in policy
    assert ".motlan.test" in policy


def test_a_page_asks_once_for_what_nobody_knows(her, service):
    """Once only: it is kept, and shown to the next service instead of asked."""
    asked = her.is_asked(service, detail(*LAND, "contact_phone"))
    assert 'name="contact_phone"' in asked.get().text

    sent = asked.allow(contact_phone="0999 000 011")

    assert sent.status_code == 303
    kept = values.current(her.person.citizen_id, ["contact_phone"])["contact_phone"]
    assert (kept.value, kept.source, kept.register) == ("+84999000011", 2, "declared")
    assert "contact_phone" in her.decisions()[0].attributes
    later = her.is_asked(
        an_asking_service(), detail("full_name", "contact_phone", procedure="3.000347")
    ).get()
    assert 'name="contact_phone"' not in later.text
    assert "0999 000 011" in words(later)


def test_what_is_missing_does_not_hold_up_the_rest(her, service):
    """Law row 24: the rest can be sent."""
    asked = her.is_asked(service, detail("full_name", "land_certificate_number"))

    assert "Chưa có dữ liệu" in words(asked.get())
    assert asked.allow().status_code == 303


@pytest.mark.parametrize("typed", ["12", "abc", "0999 000 011<script>"])
def test_what_cannot_be_read_is_asked_again_beside_its_field(her, service, typed):
    asked = her.is_asked(service, detail(*LAND, "contact_phone"))

    again = asked.allow(contact_phone=typed)

    assert again.status_code == 400
    assert 'href="#contact_phone"' in again.text
    assert "<script>" not in again.text
    assert her.decisions() == []


def test_a_ticked_item_without_a_value_is_not_sent_silently(her, service):
    asked = her.is_asked(service, detail(*LAND, "contact_phone"))

    again = asked.allow(attribute="contact_phone")

    assert again.status_code == 400
    assert her.decisions() == []


def test_an_optional_item_goes_only_when_ticked(her, service):
    """Law §3: none pre-ticked."""
    with transaction():
        values.declare(her.person.citizen_id, {"contact_phone": "+84999000012"})

    her.is_asked(service, detail("full_name", "contact_phone")).allow()
    her.is_asked(service, detail("full_name", "contact_phone")).allow(attribute="contact_phone")

    newest, first = her.decisions()
    assert first.attributes == ["full_name"]
    assert newest.attributes == ["full_name", "contact_phone"]


def test_a_value_that_changed_since_is_shown_again_before_it_is_sent(her, service):
    """Invariant 10."""
    asked = her.is_asked(service, detail(*LAND))
    seen = asked.get()
    fill_register("land", told(her.person, "owns_dwelling", value=False))

    again = asked.allow(seen=seen)

    assert again.status_code == 409
    summary = "Vừa thay đổi: Có nhà ở thuộc sở hữu của mình. Chưa có gì được gửi."
    assert summary in words(again)
    assert words(again).count("Vừa thay đổi") == 2  # in the summary, and beside the item
    assert her.decisions() == []
    assert asked.allow().status_code == 303


def test_another_language_is_another_page(her, service):
    """Invariant 10: text version and language are part of what was seen."""
    asked = her.is_asked(service, detail(*LAND))
    seen = asked.get()
    her.client.set_cookie("motlan-language", "en")

    again = asked.allow(seen=seen)

    assert again.status_code == 409
    assert "This page has just changed" in words(again)


def test_a_decision_sent_twice_is_made_once(her, service):
    asked = her.is_asked(service, detail(*LAND))
    seen = asked.get()

    first, second = asked.allow(seen=seen), asked.allow(seen=seen)

    assert first.location == second.location == f"/authorize?request={asked.request_id}"
    assert len(her.decisions()) == 1


def test_of_many_clicks_at_once_one_decides(her, service, app):
    """Two windows, an impatient finger: one grant, one decision, everybody goes on."""
    asked = her.is_asked(service, detail(*LAND))
    seen = asked.get()
    windows = [replace(asked, citizen=Citizen(app.test_client(), her.person)) for _ in range(4)]
    for window in windows:
        for name in ("motlan-citizen", "motlan-browser"):
            window.citizen.client.set_cookie(name, her.client.get_cookie(name).value)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda window: window.allow(seen=seen), windows))

    assert {answer.status_code for answer in answers} == {303}
    assert {answer.location for answer in answers} <= {
        f"/authorize?request={asked.request_id}",
        asked.path,
    }
    assert len(her.decisions()) == 1
    given = grants.find_grant(her.person.citizen_id, uuid.UUID(asked.outcome["grant_id"]))
    assert [one.decision_id for one in given.decisions] == [her.decisions()[0].decision_id]


def test_a_request_of_another_browser_or_past_its_time_is_over(her, service, app):
    """Design §8: bound to the browser, ten minutes."""
    asked = her.is_asked(service, detail(*LAND))
    other = signed_in(app.test_client(), minh())

    assert other.client.get(asked.path).status_code == 404
    with time_machine.travel(clock.now() + timedelta(minutes=11), tick=False):
        late = asked.get()
    assert late.status_code == 404
    assert "quá 10 phút" in words(late)


@pytest.mark.parametrize("path", ["", "/object"])
def test_a_bare_sign_in_has_nothing_to_decide(her, service, path):
    """Contract: `scope=openid` alone shows no decision page."""
    asked = her.is_asked(service)

    assert her.client.get(asked.path + path).status_code == 404


def test_a_refused_scope_stands_in_no_token(her, service):
    """RFC 6749 §3.3: what was granted is told where it differs from what was asked."""
    page = her.is_asked(service, detail(*LAND), scope="openid profile")

    page.allow()  # the request's items; the purpose behind `profile` stays unticked

    assert page.redeem(service)["scope"] == "openid"


def test_who_is_not_signed_in_goes_to_sign_in_first(her, service, app):
    asked = her.is_asked(service, detail(*LAND))

    stranger = app.test_client().get(asked.path)

    assert stranger.status_code == 303
    assert stranger.location.startswith("/sign-in?next=/consent/")


class TestAttacker:
    """Security cases 45 and 48, and forms that say more than their page."""

    @pytest.mark.parametrize(
        "forged",
        [
            {"attribute": "contact_email"},
            {"attribute": ["full_name", "personal_number"]},
            {"purpose": "1.115150"},
            {"scope": "openid profile"},
            {"attributes": "ethnicity"},
            {"contact_phone": "0999 000 013"},
            {"answer": ["allow", "deny"]},
            {"answer": "both"},
        ],
    )
    def test_a_form_wider_than_its_page_is_refused(self, her, service, forged):
        """Case 45."""
        asked = her.is_asked(service, detail(*LAND))

        assert asked.send("allow", **forged).status_code == 400
        assert her.decisions() == []
        assert asked.outcome is None

    def test_the_digest_of_another_page_opens_nothing(self, her, service):
        one = her.is_asked(service, detail(*LAND))
        other = her.is_asked(service, detail("full_name"))
        page = one.get()

        sent = her.client.post(
            one.path,
            data={
                "csrf_token": form_token(page),
                "shown": shown(other.get()),
                "answer": "allow",
            },
        )

        assert sent.status_code == 409
        assert her.decisions() == []

    @pytest.mark.parametrize("token", ["", "AAAA", "!!", "A" * 500])
    def test_no_digest_no_decision(self, her, service, token):
        asked = her.is_asked(service, detail(*LAND))

        assert asked.allow(shown=token).status_code == 409

    def test_a_form_without_our_token_is_refused(self, her, service):
        """Case 20 and design §8."""
        asked = her.is_asked(service, detail(*LAND))

        assert asked.allow(csrf_token="AAAA").status_code == 403
        assert her.decisions() == []

    @pytest.mark.parametrize(
        "headers", [{"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}]
    )
    def test_a_form_of_another_site_decides_nothing(self, her, service, headers):
        """Case 13: although the cookies, the token and the digest are right."""
        asked = her.is_asked(service, detail(*LAND))
        page = asked.get()
        told = {"csrf_token": form_token(page), "shown": shown(page), "answer": "allow"}

        assert her.client.post(asked.path, data=told, headers=headers).status_code == 403
        assert (her.decisions(), asked.outcome) == ([], None)
        assert her.client.post(asked.path, data=told).status_code == 303

    def test_another_person_in_the_same_browser_decides_afresh(self, her, service):
        """An outcome belongs to whoever made it."""
        asked = her.is_asked(service, detail("full_name"))
        asked.allow()
        her.client.delete_cookie("motlan-citizen")
        him = signed_in(her.client, minh())

        page = asked.get()

        assert page.status_code == 200
        assert "Trần Văn Minh" in words(page)
        assert "Nguyễn Thị Lan" not in words(page)
        assert him.decisions() == []

    def test_no_value_of_the_page_stands_in_log_or_history(self, her, service):
        """Invariants 4 and 8."""
        asked = her.is_asked(service, detail(*LAND, "contact_phone"))
        asked.allow(contact_phone="0999 000 014")

        (row,) = her.decisions()
        written = [repr(e) for e in entries(her.person.citizen_id)] + [repr(row)]
        for secret in (her.person.national_id, "999000014", "Nguyễn Thị Lan"):
            assert not any(secret in text for text in written)

    def test_an_ended_decision_cannot_be_taken_in_meanwhile(self, her, service):
        """A live decision that ended between showing and sending is asked again."""
        her.is_asked(service, detail("full_name")).allow()
        asked = her.is_asked(service, detail("full_name"), detail(*LAND, case="H-2"))
        seen = asked.get()
        (row,) = her.decisions()
        with transaction():
            grants.drop_decision(her.person.citizen_id, row.decision_id)

        sent = asked.allow(seen=seen)

        assert sent.location == asked.path
        assert len(her.decisions()) == 1
