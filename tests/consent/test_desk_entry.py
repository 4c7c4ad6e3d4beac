"""One entry opened by an officer: its facts, its proof made now, its neighbours."""

import re

import pytest

from consent.attributes import catalogue
from consent.audit import heads
from identity import database, trail
from identity.entry import NOBODY, Who
from tests import desks
from tests.deciding import words
from tests.desks import at_the_desk, rows
from tests.exchange import ask, decision, entries, give
from tests.people import a_security_officer, lan, sign_in
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("app", "catalogues")
SWAPPED = (
    "UPDATE log_position SET leaf_hash = (SELECT leaf_hash FROM log_position WHERE entry_id = :1)"
    " WHERE entry_id = :1 + 1"
)

OWN_SWAPPED = (
    "UPDATE log_position SET leaf_hash ="
    " (SELECT leaf_hash FROM log_position WHERE entry_id = :1 + 1) WHERE entry_id = :1"
)


@pytest.fixture
def theirs(app):
    return at_the_desk(app)


def test_its_facts_are_shown_under_a_tag(app, theirs):
    her, service = lan(full_name="Quách Thị Ngọc Trân"), a_service()
    assert ask(app.test_client(), give(her, service, decision("full_name"))).status_code == 200
    released = entries(her.citizen_id)[-1]

    page = theirs.get(f"/audit/entries/{released.id}")

    said = words(page)
    assert "attributes:released" in said
    assert catalogue.attribute("full_name").label("vi") in said
    for hidden in (her.full_name, her.national_id, her.citizen_id.hex, str(her.citizen_id)):
        assert hidden not in page.text


def test_opening_it_is_an_entry_that_the_person_sees(app):
    her, officer, hers = lan(), a_security_officer(), app.test_client()
    entry_id = trail.record("token:refused", Who(her.citizen_id), subject={"reason": "x"}).id

    at_the_desk(app, officer).get(f"/audit/entries/{entry_id}")

    look = entries(her.citizen_id)[-1]
    assert (look.type, look.subject["entry"]) == ("staff:looked", entry_id)
    assert look.acting["actor"] == officer.id.hex
    sign_in(hers, her)
    assert "Cán bộ giám sát truy cập xem nhật ký" in words(hers.get("/my/access"))


def test_its_neighbours_are_those_beside_it(theirs):
    her = lan()
    ids = [trail.record("token:refused", Who(her.citizen_id)).id for _ in range(7)]

    assert rows(theirs.get(f"/audit/entries/{ids[3]}")) == ids[::-1]


def test_it_costs_twelve_statements_at_most(own_log):
    ids = own_log.grows(40)
    theirs = at_the_desk(own_log.app)
    path = f"/audit/entries/{ids[20]}"
    theirs.get(path)

    with database.counted() as tally:
        assert theirs.get(path).status_code == 200

    assert tally.round_trips - 2 * tally.commits <= 12


class TestProof:
    @pytest.fixture
    def log(self, own_log):
        """Nineteen entries: neither a whole tree nor a lonely one."""
        self.ids = own_log.grows(19)
        self.browser = at_the_desk(own_log.app)
        return own_log

    def proof(self, number=4):
        return self.browser.get(f"/audit/entries/{self.ids[number]}")

    @pytest.mark.parametrize(("number", "steps"), [(0, 5), (7, 5), (16, 3), (18, 2)])
    def test_it_leads_step_by_step_to_the_signed_root(self, log, number, steps):
        """RFC 9162 §2.1.3.2."""
        desks.known()

        page = self.proof(number)

        assert "Đúng: mục này nằm trong sổ đã ký." in words(page)
        assert "Kiểm tra lúc" in words(page)
        assert "motlan-entry/v1" in page.text
        last = re.findall(r"cho ra <code>([0-9a-f]{64})</code>", page.text)[-1]
        assert last == heads.store().find().head.root.hex()
        assert f'id="root">{last}<' in page.text
        assert "Gốc đã ký:" not in words(page)
        assert len(re.findall(r"<li>bên", page.text)) == steps
        assert log.settings.log_origin in page.text

    def test_a_tree_of_one_is_its_own_root(self, own_log):
        (one,) = own_log.grows(1)

        page = at_the_desk(own_log.app).get(f"/audit/entries/{one}")

        assert "0 bước" in words(page)
        assert "Đúng: mục này nằm trong sổ đã ký." in words(page)

    def test_before_the_first_head_nothing_is_proved(self, own_log):
        (one,) = own_log.is_told(1)
        own_log.is_placed()

        assert 'id="no-proof"' in at_the_desk(own_log.app).get(f"/audit/entries/{one}").text

    def test_an_entry_that_no_head_has_come_to_says_so(self, own_log):
        own_log.grows(2)
        (late,) = own_log.is_told(1)  # the very next
        theirs = at_the_desk(own_log.app)
        page = theirs.get(f"/audit/entries/{late}")
        own_log.is_placed()

        assert 'id="no-proof"' in page.text
        assert 'id="no-proof"' in theirs.get(f"/audit/entries/{late}").text

    @pytest.mark.parametrize(
        ("statement", "told"),
        [
            ("UPDATE access_entry SET type = 'sign_in:refused' WHERE id = :1", "khác lá đã lưu"),
            ("UPDATE access_entry SET c_actor = c_subject WHERE id = :1", "khác lá đã lưu"),
            ("UPDATE access_entry SET leaf = c_subject WHERE id = :1", "khác lá đã lưu"),
            (OWN_SWAPPED, "khác lá đã lưu"),
            (SWAPPED, "không dẫn đến gốc đã ký"),
            ("DELETE FROM log_position WHERE entry_id = :1 + 1", "không dẫn đến gốc đã ký"),
        ],
    )
    def test_what_was_changed_is_seen(self, log, statement, told):
        log.vandal.does(statement, self.ids[4])

        said = words(self.proof())

        assert told in said
        assert "Sai: bằng chứng không đúng." in said
        assert "motlan log verify" in said

    def test_a_head_that_the_log_did_not_sign_is_none(self, log):
        log.vandal.does("UPDATE log_head SET checkpoint = replace(checkpoint, '— ', '— x')")

        said = words(self.proof())

        assert "đúng khóa của nhật ký" not in said
        assert "Sai: bằng chứng không đúng." in said

    def test_a_head_of_another_root_is_not_believed(self, log):
        log.vandal.does("UPDATE log_head SET root = :1", b"\x07" * 32)

        said = words(self.proof())

        assert "không dẫn đến gốc đã ký" in said
        assert "Sai: bằng chứng không đúng." in said

    def test_a_stored_node_that_was_changed_leads_nowhere(self, own_log):
        ids = own_log.grows(256 + 3)
        desks.known()
        own_log.vandal.does("UPDATE log_node SET hash = :1", b"\x07" * 32)

        page = at_the_desk(own_log.app).get(f"/audit/entries/{ids[257]}")

        assert "không dẫn đến gốc đã ký" in words(page)


class TestAttacker:
    @pytest.mark.parametrize("told", ["0", "x", "-1", "1.0", "9" * 19, "9" * 40, "٣"])
    def test_a_number_of_nothing_leads_nowhere(self, theirs, told):
        answer = theirs.get(f"/audit/entries/{told}")

        assert answer.status_code == 404
        assert 'id="error"' in answer.text

    def test_nobody_opens_an_entry_about_themselves_and_the_try_stays(self, app):
        """Contract."""
        her = lan()
        officer = a_security_officer(own_citizen_id=her.citizen_id)
        own = at_the_desk(app, officer)
        mine = trail.record("token:refused", Who(her.citizen_id), subject={"reason": "x"}).id

        answer = own.get(f"/audit/entries/{mine}")

        assert answer.status_code == 403
        assert "token:refused" not in answer.text
        look = entries(her.citizen_id)[-1]
        assert (look.type, look.subject["result"]) == ("staff:looked", "refused")
        assert look.subject["entry"] == str(mine)

    def test_an_entry_that_there_is_not_is_not_said_to_be_ones_own(self, app):
        her = lan()
        own = at_the_desk(app, own_citizen_id=her.citizen_id)
        trail.record("token:refused", Who(her.citizen_id))

        answer = own.get(f"/audit/entries/{10**15}")

        assert answer.status_code == 404
        assert [entry.type for entry in entries(her.citizen_id)] == ["token:refused"]

    def test_nor_sees_it_beside_another(self, app):
        her = lan()
        own = at_the_desk(app, own_citizen_id=her.citizen_id)
        before = trail.record("key:rotated", Who()).id
        mine = trail.record("token:refused", Who(her.citizen_id)).id
        after = trail.record("key:rotated", Who()).id

        shown = rows(own.get(f"/audit/entries/{before}"))

        assert mine not in shown
        assert {before, after} <= set(shown)

    def test_an_entry_about_nobody_is_nobodys_own(self, app):
        own = at_the_desk(app, own_citizen_id=lan().citizen_id)
        entry_id = trail.record("key:rotated", Who()).id

        assert own.get(f"/audit/entries/{entry_id}").status_code == 200
        assert [e.subject["entry"] for e in entries(NOBODY) if e.subject.get("entry") == entry_id]
