"""An objection: numbered, sealed, and the flow goes on (issue item 7)."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine

from consent.ledger import records
from consent.objections import object as objections
from consent.replies import reply
from identity import clock
from tests.deciding import LAW, an_asking_service, detail, signed_in, words
from tests.exchange import entries
from tests.objecting import objects
from tests.people import form_token, minh, submit

pytestmark = pytest.mark.usefixtures("app", "catalogues")
REASON = "Tôi không làm thủ tục này"


def test_an_objection_gets_a_number_and_the_request_goes_on(her):
    page = her.is_asked(an_asking_service(), detail("full_name", procedure=LAW, case="H-9"))

    told = submit(her.client, page.path + "/object", reason=REASON)

    (row,) = records.objections_of(her.person.citizen_id)
    assert told.location == f"/my/objections/{row.id}?request={page.request_id}"
    seen = her.client.get(told.location)
    assert row.number in words(seen)
    assert f'href="{page.path}"' in seen.text
    assert (row.procedure, row.case) == (LAW, "H-9")
    assert page.allow().status_code == 303


def test_its_reason_is_sealed_and_never_in_the_log(her):
    """Invariants 4 and 8."""
    page = her.is_asked(an_asking_service(), detail("full_name"))
    submit(her.client, page.path + "/object", reason=REASON)

    (row,) = records.objections_of(her.person.citizen_id)
    assert REASON.encode() not in row.sealed_reason
    assert objections.OBJECTION.words_of(row) == REASON
    written = entries(her.person.citizen_id)[-1]
    assert (written.type, written.subject["objection"]) == ("objection:raised", row.number)
    assert REASON not in repr(written)


def test_a_decision_can_be_objected_to_later(her):
    her.is_asked(an_asking_service(), detail("full_name", procedure=LAW)).allow()
    (decision,) = her.decisions()

    submit(her.client, f"/my/consents/{decision.decision_id}/object", reason=REASON)

    (row,) = records.objections_of(her.person.citizen_id)
    assert (row.public_service_id, row.procedure) == (decision.public_service_id, LAW)
    for place in ("/my", "/my/consents", f"/my/consents/{decision.decision_id}"):
        listed = her.client.get(place)
        assert f'href="/my/objections/{row.id}"' in listed.text
        assert "Đang chờ trả lời" in words(listed).partition(row.number)[2]


@pytest.mark.parametrize("reason", ["", "   ", "x" * 2_001])
def test_an_objection_says_what_is_wrong(her, reason):
    page = her.is_asked(an_asking_service(), detail("full_name"))

    told = submit(her.client, page.path + "/object", reason=reason)

    assert told.status_code == 400
    assert 'id="error"' in told.text
    assert not records.objections_of(her.person.citizen_id)


def test_the_same_form_sent_twice_is_one_objection(her):
    """The back button and an impatient finger; other words are another objection."""
    path = her.is_asked(an_asking_service(), detail("full_name")).path + "/object"
    form = filled_in(her.client.get(path), reason=REASON)

    answers = [her.client.post(path, data=form) for _ in range(2)]
    other = her.client.post(path, data=form | {"reason": "Còn việc khác"})

    assert answers[0].location == answers[1].location != other.location
    assert len(records.objections_of(her.person.citizen_id)) == 2
    written = [e for e in entries(her.person.citizen_id) if e.type == "objection:raised"]
    assert len(written) == 2


def test_of_many_presses_at_once_one_counts(her, app):
    path = her.is_asked(an_asking_service(), detail("full_name")).path + "/object"
    form = filled_in(her.client.get(path), reason=REASON)
    windows = [app.test_client() for _ in range(4)]
    for window in windows:
        for name in ("motlan-citizen", "motlan-browser"):
            window.set_cookie(name, her.client.get_cookie(name).value)

    with ThreadPoolExecutor(4) as pool:
        sent = list(pool.map(lambda window: window.post(path, data=form), windows))

    assert len({(answer.status_code, answer.location) for answer in sent}) == 1
    assert len(records.objections_of(her.person.citizen_id)) == 1


def test_ten_a_day_and_no_more(her):
    """What was typed stays, and the page says from when on it can be sent."""
    path = her.is_asked(an_asking_service(), detail("full_name")).path + "/object"
    form = filled_in(her.client.get(path), reason=REASON)
    for n in range(reply.MOST):
        assert her.client.post(path, data=form | {"reason": f"Lần {n}"}).status_code == 303

    told = her.client.post(path, data=form | {"reason": "Lần nữa"})

    assert told.status_code == 429
    assert 0 < int(told.headers["Retry-After"]) <= 24 * 3600
    assert "Gửi tiếp được từ" in words(told)
    assert "Lần nữa" in told.text
    assert her.client.post(path, data=form | {"reason": "Lần 3"}).status_code == 303  # as before
    assert len(records.objections_of(her.person.citizen_id)) == reply.MOST
    with time_machine.travel(clock.now() + timedelta(hours=24, minutes=1), tick=True):
        later = signed_in(her.client, her.person)
        later_path = later.is_asked(an_asking_service(), detail("full_name")).path + "/object"
        assert submit(later.client, later_path, reason="Hôm sau").status_code == 303


def filled_in(page, **fields):
    """The form of a page with its hidden fields."""
    form = re.search(r'name="form" value="([^"]+)"', page.text)
    return {"csrf_token": form_token(page), "form": form[1]} | fields


class TestAttacker:
    """Objections of others, and markup in a reason."""

    def test_nobody_reads_anothers_objection(self, her, app):
        row = objects(her, an_asking_service())
        him = signed_in(app.test_client(), minh())

        assert her.client.get(f"/my/objections/{row.id}").status_code == 200
        assert him.client.get(f"/my/objections/{row.id}").status_code == 404

    def test_anothers_form_makes_ones_own_objection(self, her, app):
        """The id of the form says nothing about what others sent with it."""
        him = signed_in(app.test_client(), minh())
        mine, theirs = (
            who.is_asked(an_asking_service(), detail("full_name")).path + "/object"
            for who in (her, him)
        )
        form = filled_in(her.client.get(mine), reason=REASON)
        her.client.post(mine, data=form)

        told = submit(him.client, theirs, reason=REASON, form=form["form"])

        assert told.status_code == 303
        (hers,) = records.objections_of(her.person.citizen_id)
        (his,) = records.objections_of(him.person.citizen_id)
        assert hers.id != his.id

    @pytest.mark.parametrize("came", ["request=//evil.test", "decision=x", "request=", "back=/x"])
    def test_the_way_back_is_a_page_of_ours(self, her, came):
        row = objects(her, an_asking_service())

        page = her.client.get(f"/my/objections/{row.id}?{came}")

        assert page.status_code == 200
        assert 'id="go-back"' not in page.text

    def test_nobody_objects_in_anothers_name(self, her, app):
        page = her.is_asked(an_asking_service(), detail("full_name"))
        him = signed_in(app.test_client(), minh())

        assert him.client.get(page.path + "/object").status_code == 404

    def test_markup_is_text(self, her):
        page = her.is_asked(an_asking_service(), detail("full_name"))

        told = submit(her.client, page.path + "/object", reason="<script>1</script>" * 200)

        assert told.status_code == 400
        assert "<script>" not in told.text
