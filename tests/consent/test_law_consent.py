"""Rules 1 to 8 and 13 of the law on the decision page (docs/law.md): what a consent needs."""

import hashlib
import html
import re
from datetime import timedelta

import pytest
import time_machine

from consent.attributes import catalogue as attributes
from consent.ledger import records
from consent.ledger.records import State
from consent.procedures.catalogue import procedure
from identity import clock
from tests.deciding import CONSENT, LAW, PROCEDURE, detail, words
from tests.exchange import entries
from tests.people import submit

pytestmark = pytest.mark.usefixtures("app", "catalogues")
BASES = {"request": PROCEDURE, "consent": CONSENT, "law": LAW}


def four_things(code):
    """Data types, purpose, controller, and what the person may do about it."""
    told = procedure(code)
    rights = {
        "request": "Không gửi thì tự nộp giấy tờ",
        "consent": "Đồng ý rồi vẫn rút lại được bất cứ lúc nào",
        "law": "có thể phản đối",
    }
    labels = [attributes.attribute(name).label("vi") for name in told.attributes_required]
    return [*labels, told.purpose("vi"), "Cơ quan thuế", rights[told.basis]]


@pytest.mark.parametrize("basis", BASES)
def test_the_page_says_what_for_whom_and_what_one_may_do(her, service, basis):
    """PDPL 9.2: data types, purpose, controller, rights; and who else gets it, how long."""
    page = her.is_asked(service, detail(procedure=BASES[basis])).get()
    told = words(page)

    assert [fact for fact in four_things(BASES[basis]) if fact not in told] == []
    assert "Được lấy đến ngày" in told
    assert "Cơ quan nhận giữ" in told
    assert re.search(r"Chỉ Cơ quan thuế.*? nhận\.", told)


@pytest.mark.parametrize("basis", BASES)
def test_the_same_is_kept_under_its_hash(her, service, basis):
    """PDPL 9.2, D356 Art. 6: the exact notice and its version."""
    is_consent = basis == "consent"
    asked = detail(procedure=BASES[basis], case=None if is_consent else "H-1")
    her.is_asked(service, asked).allow(**({"purpose": CONSENT} if is_consent else {}))

    (row,) = her.decisions()
    text = records.text(row.text_hash)
    assert hashlib.sha256(text.encode()).hexdigest() == row.text_hash
    flat = html.unescape(text)
    assert [fact for fact in four_things(BASES[basis]) if fact not in flat] == []
    assert row.template.startswith(f"{BASES[basis]}@")


def test_silence_is_no_consent(her, service):
    """PDPL 9.4(d): who does not answer has decided nothing, and the way on is closed."""
    asked = her.is_asked(service, detail("full_name", procedure=CONSENT))
    assert asked.get().status_code == 200

    with time_machine.travel(clock.now() + timedelta(minutes=11), tick=True):
        late = her.client.get(f"/authorize?request={asked.request_id}")

        assert late.status_code == 404
        assert late.location is None
        assert asked.get().status_code == 404
    assert her.decisions() == []
    assert not [e for e in entries(her.person.citizen_id) if e.type.startswith("decision:")]


def test_a_form_without_an_answer_decides_nothing(her, service):
    """PDPL 9.4(d): a sent page with no button pressed is no yes, and no no either."""
    asked = her.is_asked(service, detail("full_name", procedure=CONSENT))

    assert asked.send("").status_code == 400
    assert her.decisions() == []
    assert asked.outcome is None


@pytest.mark.parametrize("language", ["vi", "en"])
def test_no_box_of_any_basis_is_ticked_before(her, service, language):
    """PDPL 9.4(d), D356 6.3: purposes and optional items alike."""
    her.client.set_cookie("motlan-language", language)
    details = [
        detail("full_name", "contact_phone", procedure=PROCEDURE),
        detail("full_name", "contact_phone", procedure=CONSENT),
        detail("full_name", procedure=LAW),
    ]
    page = her.is_asked(service, *details, scope="openid profile email phone address").get()

    boxes = re.findall(r'<input type="checkbox"[^>]*>', page.text)
    assert len(boxes) == 4  # two purposes, two optional items
    assert [box for box in boxes if "checked" in box] == []
    assert " selected" not in page.text


def test_each_purpose_is_decided_by_itself(her, service):
    """PDPL 9.4(b): one yes, one no, two decisions; what is needed stands apart."""
    asked = her.is_asked(
        service,
        detail("full_name"),
        detail("full_name", procedure=CONSENT, case=None),
        scope="openid profile",
    )
    page = asked.get().text
    assert page.index('id="basis-request"') < page.index('id="basis-consent"')

    asked.allow(purpose=CONSENT)

    states = {(row.procedure, row.basis): row.state for row in her.decisions()}
    assert states == {
        (PROCEDURE, "request"): State.GIVEN,
        (CONSENT, "consent"): State.GIVEN,
        (None, "consent"): State.REFUSED,
    }


def test_a_sensitive_item_is_marked_by_itself_too(her, service):
    """D356 6.4: not only a line on top."""
    page = her.is_asked(service, detail("full_name", "ethnicity", procedure=LAW)).get()
    rows = re.findall(r"<tr>.*?</tr>", page.text, re.DOTALL)

    marked = [row for row in rows if "Nhạy cảm" in row]
    assert len(marked) == 1
    assert attributes.attribute("ethnicity").label("vi") in html.unescape(marked[0])


def test_a_notice_by_law_names_its_articles(her, service):
    """PDPL 19.1, 19.2: the articles, the procedure, and the way to complain."""
    page = her.is_asked(service, detail("full_name", procedure=LAW)).get()
    told = words(page)

    articles = procedure(LAW).legal_basis
    assert articles
    assert [article for article in articles if article not in told] == []
    assert f"({LAW})" in told
    assert 'id="object"' in page.text


def test_no_withdrawal_speaks_of_72_hours(her, service):
    """Law §1.1: those belong to breaches; a withdrawal holds at once."""
    her.is_asked(service, detail("full_name")).allow()
    (row,) = her.decisions()
    place = f"/my/consents/{row.decision_id}"
    before = words(her.client.get(f"{place}/withdraw"))
    sent = submit(her.client, f"{place}/withdraw")
    after = words(her.client.get(sent.location))

    assert "Ngay sau khi bấm" in before
    assert "Đã rút lại lúc" in after
    assert not re.search(r"\b72\b|ba ngày|hours|giờ đồng hồ", before + after)
