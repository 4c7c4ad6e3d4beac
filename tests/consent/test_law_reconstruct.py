"""Rule 6 of the law: who, when and what content, from a receipt's number, in one step."""

import base64
import hashlib
import re
from types import SimpleNamespace

import jwt
import pytest
from sqlalchemy import select

from consent.audit import heads, tree
from consent.audit.sequencer import sequence
from consent.facets import draw
from consent.ledger import records
from consent.receipts.proof import prove
from identity import database, log_keys
from identity.entry import body_commit
from identity.trail import AccessEntry
from tests.deciding import an_asking_service, detail, words
from tests.exchange import CASE, entries
from tests.people import a_security_officer, sign_in_officer, submit

pytestmark = pytest.mark.usefixtures("app", "catalogues")


@pytest.fixture
def theirs(app):
    """An officer's browser, signed in."""
    browser = app.test_client()
    sign_in_officer(browser, a_security_officer())
    return browser


def decided(her):
    """A request that she allowed: the decision, and its receipt."""
    her.is_asked(an_asking_service(), detail("full_name", "personal_number")).allow()
    (row,) = her.decisions()
    return row, records.receipts(her.person.citizen_id, row.decision_id)[1]


def forged(receipt, **members):
    """The same receipt, saying something else."""
    return SimpleNamespace(**{**receipt._mapping, **members})


def signed_log():
    """Everything written so far has its place under a signed head."""
    while sequence():
        pass
    heads.sign()


def page_of(receipt):
    return f"/audit/receipts/{receipt.number}"


def test_who_when_and_what_stand_on_one_page(her, theirs):
    """Decree 356/2025/NĐ-CP Art. 6."""
    row, receipt = decided(her)
    signed_log()

    page = theirs.get(page_of(receipt))
    told = words(page)

    assert page.status_code == 200
    for fact in (CASE, "Cơ quan thuế", "Họ, chữ đệm và tên", receipt.number, row.text_hash):
        assert fact in told
    assert row.preview_digest.hex() in told
    assert receipt.promise in told
    assert str(receipt.entry_id) in told
    assert "Lời văn, biên nhận và nhật ký khớp nhau" in told
    assert told.count(" Khớp ") == 4  # the text, the promise, the entry, its place


def test_the_text_is_the_one_that_was_read(her, theirs):
    """Letter for letter: its hash is that of the decision, and of the entry."""
    row, receipt = decided(her)

    page = theirs.get(page_of(receipt))
    shown = re.search(r'id="text-as-seen">(.*?)</div>', page.text, re.DOTALL)[1]

    lines = re.findall(r"<p>(.*?)</p>", shown)
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == row.text_hash
    assert entries(her.person.citizen_id)[0].type != "staff:looked"
    assert row.text_hash in repr([e.subject for e in entries(her.person.citizen_id)])


def test_anybody_can_recompute_the_proof(her):
    """RFC 6962 §2.1.1, RFC 7515: from the promise's commitment up to the signed root."""
    _row, receipt = decided(her)
    signed_log()

    proof = prove(receipt)

    key = jwt.PyJWK(dict(log_keys.log_key().jwk), "EdDSA")
    said = jwt.decode(receipt.promise, key, algorithms=["EdDSA"])
    leaf = f"motlan-entry/v1\n{said['type']}\n{said['minute']}\n{said['body_commit']}\n".encode()
    path = [bytes.fromhex(each) for each in proof.path]
    assert base64.b64decode(said["body_commit"]) == receipt.body_commit
    assert tree.is_included(tree.leaf_hash(leaf), proof.position, proof=path, head=proof.head)
    assert proof.holds


@pytest.mark.slow
def test_a_proof_reads_a_few_rows_however_long_the_log_is(own_log, monkeypatch):
    """RFC 6962 §2.1.1: of two subtrees and some leaves, never of every leaf."""
    ids = own_log.is_told(3 * draw.FAN + 5)
    signed_log()
    while draw.draw():
        pass
    (row,) = database.rows(select(AccessEntry.__table__).where(AccessEntry.id == ids[300]))
    promised = SimpleNamespace(
        citizen_id=row.citizen_id,
        entry_id=row.id,
        promise="",
        body_commit=body_commit(bytes(row.c_subject), bytes(row.c_actor)),
    )
    read = []

    def counted(statement, params=None):
        found = database_rows(statement, params)
        read.append(len(found))
        return found

    database_rows = database.rows
    monkeypatch.setattr(database, "rows", counted)

    proof = prove(promised)

    assert proof.is_included
    assert proof.head.size == len(ids)
    assert len(read) == 4  # the entry, the head, two subtrees, the leaves beside it
    assert 0 < sum(read) < draw.FAN + 2 * 8


def test_every_step_of_its_life_has_its_receipt(her, theirs):
    row, receipt = decided(her)
    submit(her.client, f"/my/consents/{row.decision_id}/withdraw")

    told = words(theirs.get(page_of(receipt)))
    steps = records.receipts(her.person.citizen_id, row.decision_id)

    assert len(steps) == 2
    assert all(step.number in told for step in steps.values())
    assert "Đã rút lại" in told


def test_a_number_is_typed_and_leads_there(her, theirs):
    _row, receipt = decided(her)
    spaced = receipt.number.lower().replace("-", " - ")

    sent = submit(theirs, "/audit/receipts", number=spaced)

    assert (sent.status_code, sent.location) == (303, page_of(receipt))


@pytest.mark.parametrize(
    "number", ["", "   ", "x" * 41, "../my", "ML-2026-<b>", "PD-2026-AAAAAAAAAA"]
)
def test_what_is_no_number_is_asked_again(theirs, number):
    sent = submit(theirs, "/audit/receipts", number=number)

    assert sent.status_code == 400
    assert 'href="#number"' in sent.text
    assert "<b>" not in sent.text


def test_the_person_sees_the_look(her, theirs):
    """Invariant: a look at a person is an entry of that person's log."""
    _row, receipt = decided(her)

    theirs.get(page_of(receipt))

    look = entries(her.person.citizen_id)[-1]
    assert (look.type, look.subject["receipt"]) == ("staff:looked", receipt.number)


class TestAttacker:
    """A text that was changed, an entry that is another, receipts of oneself, strangers."""

    def test_a_text_that_was_changed_is_seen(self, her, theirs, monkeypatch):
        _row, receipt = decided(her)
        monkeypatch.setattr(records, "text", lambda _hash: "Đồng ý cho tất cả.")

        told = words(theirs.get(page_of(receipt)))

        assert "Có chỗ không khớp" in told
        assert " Không khớp " in told

    def test_a_receipt_for_another_entry_does_not_hold(self, her):
        _row, receipt = decided(her)

        proof = prove(forged(receipt, entry_id=entries(her.person.citizen_id)[0].id))

        assert not proof.is_promised
        assert not proof.is_entered
        assert not proof.holds

    @pytest.mark.parametrize("part", [0, 1, 2])
    def test_a_promise_with_a_changed_part_does_not_hold(self, her, part):
        _row, receipt = decided(her)
        parts = receipt.promise.split(".")
        parts[part] = ("B" if parts[part][0] == "A" else "A") + parts[part][1:]

        assert not prove(forged(receipt, promise=".".join(parts))).is_promised

    @pytest.mark.parametrize("promise", ["", "..", "a.b.c", "x" * 100])
    def test_what_is_no_promise_is_none(self, her, promise):
        _row, receipt = decided(her)

        assert not prove(forged(receipt, promise=promise)).is_promised

    def test_nobody_opens_their_own(self, app, her):
        _row, receipt = decided(her)
        own = app.test_client()
        sign_in_officer(own, a_security_officer(own_citizen_id=her.person.citizen_id))

        page = own.get(page_of(receipt))

        assert page.status_code == 403
        assert CASE not in page.text
        tried = entries(her.person.citizen_id)[-1]
        assert (tried.type, tried.subject["result"]) == ("staff:looked", "refused")

    def test_a_guessed_number_is_nobodys(self, theirs):
        page = theirs.get("/audit/receipts/ML-2026-AAAAAAAAAA")

        assert page.status_code == 404
        assert "Không có biên nhận nào mang số này" in words(page)

    def test_a_citizen_is_no_officer(self, her):
        _row, receipt = decided(her)

        for place in (page_of(receipt), "/audit/receipts"):
            told = her.client.get(place)
            assert (told.status_code, told.location) == (303, "/staff/sign-in")

    def test_no_name_and_no_value_is_on_it(self, her, theirs):
        """Invariant 4: tags instead of people, names of attributes instead of values."""
        _row, receipt = decided(her)

        page = theirs.get(page_of(receipt))

        assert her.person.full_name not in page.text
        assert her.person.national_id not in page.text
