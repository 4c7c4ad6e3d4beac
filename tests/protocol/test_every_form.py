"""Bad input of every kind on every form: the status, the asked language, the field to mend."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import IO
from urllib.parse import urlencode

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from identity import clock, doors
from tests.account_forms import ACCOUNT_FORMS
from tests.complaint_forms import COMPLAINT_FORMS
from tests.counter_forms import COUNTER_FORMS
from tests.desk_forms import DESK_FORMS
from tests.exchange import publish_catalogues
from tests.forms import (
    AT,
    KINDS,
    TAKEN,
    Field,
    Form,
    Outcome,
    Sheet,
    a_visitor,
    at,
    decision_form,
    objection_form,
    page,
    request_form,
)
from tests.forms import FORMS as FORMS_OF_MOST
from tests.markup import Element, Markup
from tests.people import form_token
from tests.polled_forms import POLLED_FORMS
from tests.staff_forms import STAFF_FORMS

FORMS = (
    *FORMS_OF_MOST,
    *COMPLAINT_FORMS,
    *STAFF_FORMS,
    *ACCOUNT_FORMS,
    *DESK_FORMS,
    *COUNTER_FORMS,
    *POLLED_FORMS,
)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

FORM = doors.FORM
SECRET = ("national_id", "username", "password", "one_time_code")
VIETNAMESE = re.compile(r"[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệịỉĩọỏốồổỗộớờởỡợụủũứừửữựỵỷỹ]", re.IGNORECASE)
# A sentence that says what to do has one of these.
ADVICE = {
    "vi": r"(?i)(hãy|mở lại|nhập|đợi|viết|chọn|kiểm tra|xem|điền) ",
    "en": r"(?i)\b(open|go|enter|wait|write|choose|check|look|read|fill|sign in|use|try)\b",
}
LANGUAGES = ("vi", "en")
by_route = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.route)
HONEST = Outcome(TAKEN, 0)
read = lru_cache(maxsize=2)(Markup)  # a page is looked at from three sides
TRIES = 3  # of the five that somebody has
SIGN_IN = ("/sign-in?next=/", "/staff/sign-in")


@dataclass(frozen=True)
class Sent:
    """A request that is no form, and what must come of it."""

    what: str
    outcome: Outcome
    body: str | IO[bytes]
    kind: str = FORM
    headers: dict[str, str] | None = None


@pytest.fixture(scope="module", autouse=True)
def _catalogues(app: Flask) -> None:
    with app.app_context():
        publish_catalogues()


def opened(app: Flask, form: Form, language: str) -> Sheet:
    """The form in a new browser that asks for this language."""
    return form.open(a_visitor(app.test_client(), language))


def send(sheet: Sheet, values: dict[str, str] | None = None, **more: str) -> TestResponse:
    told = urlencode((sheet.values if values is None else values) | more)
    return sheet.client.post(sheet.path, data=told, content_type=FORM)


def without(values: dict[str, str], name: str) -> dict[str, str]:
    return {other: text for other, text in values.items() if other != name}


def spoilt(sheet: Sheet, name: str, kind: str) -> dict[str, str]:
    """The honest values, one of them bad."""
    rest, text = without(sheet.values, name), KINDS[kind]
    return rest if text is None else rest | {name: text.replace("{}", sheet.values.get(name, ""))}


def faults(answer: TestResponse, outcome: Outcome, language: str) -> Iterator[str]:
    """What is wrong with an answer."""
    if outcome.how == TAKEN:
        if answer.status_code not in {200, 303}:
            yield f"refused with {answer.status_code}"
        return
    if answer.status_code != outcome.status:
        yield f"status {answer.status_code}, not {outcome.status}"
    if answer.mimetype != "text/html":
        yield f"no page but {answer.mimetype}"
        return
    markup = read(answer.text)
    yield from _wrong_language(markup, answer, language=language)
    if outcome.how == AT:
        yield from _wrong_summary(markup, outcome.at)
    elif answer.text.count("<form"):
        yield "a form, not an error page"


def _wrong_language(markup: Markup, answer: TestResponse, *, language: str) -> Iterator[str]:
    if markup.language != language or answer.headers["Content-Language"] != language:
        yield f"the page is in {markup.language}"
    for sentence in _sentences(markup):
        if bool(VIETNAMESE.search(sentence)) is not (language == "vi"):
            yield f"not in {language}: {sentence}"
        if not re.search(ADVICE[language], sentence):
            yield f"no advice: {sentence}"


def _sentences(markup: Markup) -> list[str]:
    """What the page says of the error, with the words beside the fields; at least one."""
    error = markup.by_id("error")
    assert error["role"] == "alert"
    told = markup.within(error, "li") or markup.within(error, "p")
    beside = [e for e in markup.elements if "field-error" in e.attributes.get("class", "").split()]
    assert told
    return [element.words for element in (*told, *beside)]


def _wrong_summary(markup: Markup, field_id: str) -> Iterator[str]:
    """WCAG 2.2 §3.3.1: the summary leads to the field, and the field to its sentence."""
    links = markup.within(markup.by_id("error"), "a")
    marked = [e for e in markup.elements if e.attributes.get("aria-invalid") == "true"]
    if [e.attributes.get("id") for e in marked] != [link["href"][1:] for link in links]:
        yield f"leads to {[link['href'] for link in links]}, marks {marked}"
    if field_id not in ([link["href"][1:] for link in links] or [""]):
        yield f"does not lead to {field_id}"
    for link, element in zip(links, marked, strict=False):
        yield from _untied(markup, element, link.words)
    title = next(markup.all("title")).words
    if not title.startswith(("Lỗi: ", "Error: ")):
        yield f"the title tells no error: {title}"


def _untied(markup: Markup, element: Element, sentence: str) -> Iterator[str]:
    described = [markup.by_id(name).words for name in element["aria-describedby"].split()]
    if sentence not in described:
        yield f"{element['id']} is described by {described}"


def forgotten(answer: TestResponse, form: Form, sent: dict[str, str]) -> Iterator[str]:
    """What was typed and does not stand there again, or should not and does."""
    markup = read(answer.text)
    for name in SECRET:
        if len(sent.get(name, "")) > 5 and sent[name] in answer.text:
            yield f"{name} is repeated"
    for kept in (one for one in form.fields if one.is_kept and one.name in sent):
        (element,) = [e for e in markup.elements if e.attributes.get("name") == kept.name]
        # A number of a person in another field than its own is not repeated.
        if as_read(element.typed) != as_read(sent[kept.name]) and not sent[kept.name].isdigit():
            yield f"{kept.name} is forgotten: {element.typed[:40]!r}"


def as_read(text: str) -> str:
    """Without what no page shows: control characters, and marks that turn the direction."""
    return re.sub("[\x00-\x08\x0e-\x1f\u202a-\u202e\u2066-\u2069]", "", text).strip()


def test_every_form_stands_in_the_table(app):
    """Whoever adds a form says here what a bad one does."""
    machines = {path for method, path in app.extensions["motlan.doors"] if method == "POST"}
    posts = {rule.rule for rule in app.url_map.iter_rules() if "POST" in rule.methods}

    assert posts - machines == {form.route for form in FORMS}


@by_route
def test_an_honest_form_is_taken_and_has_the_fields_of_the_table(app, form):
    """Otherwise the tests below would praise a form that refuses everything."""
    sheet = opened(app, form, "vi")
    sent = set(sheet.values) - {"csrf_token"}

    assert form.is_cross_site or sent == {field.name for field in form.fields}
    assert list(faults(send(sheet), HONEST, "vi")) == []


class Walk:
    """One browser on its way through the bad values of a form."""

    def __init__(self, app: Flask, form: Form, language: str) -> None:
        self.open = lambda: opened(app, form, language)
        self.form, self.language = form, language
        self.sheet, self.tries = self.open(), 0
        self.found: list[str] = []

    def tries_out(self, field: Field, kind: str) -> tuple[str, ...]:
        """Send it; what was said, in the order of the page. What is wrong with it is `found`."""
        values, outcome = spoilt(self.sheet, field.name, kind), field.outcome(kind)
        answer = send(self.sheet, values)
        wrong = list(faults(answer, outcome, self.language))
        # A page whose values have changed is decided on afresh, so it keeps nothing.
        if outcome.at and not wrong:
            wrong += forgotten(answer, self.form, values)
        self.found += [f"{self.language}, {field.name}, {kind}: {fault}" for fault in wrong]
        self.tries += answer.status_code == 403
        # It was taken, or too many more would be counted as guessing.
        if answer.status_code not in {400, 403, 409} or self.tries >= TRIES:
            self.sheet, self.tries = self.open(), 0
        return () if wrong or outcome.how == TAKEN else tuple(_sentences(read(answer.text)))


def not_forms(sheet: Sheet, form: Form) -> Iterator[Sent]:
    """What comes to the form's address and is none."""
    for field in form.fields or (Field(name="anything"),):
        rest = urlencode(without(sheet.values, field.name))
        yield from no_keyboard_sends(field.name, rest, is_cross_site=form.is_cross_site)
        if field in form.fields and not field.may_repeat:
            twice = urlencode(sheet.values) + f"&{field.name}=again&{field.name}=again"
            yield Sent(f"{field.name} twice", page(400), twice)
    for kind, body in (
        ("application/json", "{}"),
        ("text/plain", urlencode(sheet.values)),
        ("application/xml", "<a/>"),
        ("no/such; charset=\x7f", "a=1"),
    ):
        yield Sent(kind, page(415), body, kind)
    in_parts = page(415 if form.is_cross_site else 403)
    for body in (
        b"",
        b"--x",
        b"--x\r\n\r\n",
        b"--y\r\nContent-Disposition: form-data\r\n\r\na",
    ):
        for kind in ("multipart/form-data; boundary=x", "multipart/form-data"):
            yield Sent(f"{body!r}", in_parts, io.BytesIO(body), kind)


def no_keyboard_sends(name: str, rest: str, *, is_cross_site: bool) -> Iterator[Sent]:
    for kind, body, status in (
        ("NUL", f"{rest}&{name}=a%00b", 400),
        ("not UTF-8", f"{rest}&{name}=%ff%fe", 400),
        ("half a character", f"{rest}&{name}=%e1%bb", 400),
        ("too long", f"{rest}&{name}={'x' * 100_000}", 413),
        ("too many", f"{rest}&" + "a=1&" * 9_000, 400),
    ):
        if kind != "too many" or is_cross_site:
            status_told = 413 if len(body) > doors.BODY_LIMIT else status
            yield Sent(f"{name}, {kind}", page(status_told), body)


def of_another_page(sheet: Sheet, other: str) -> Iterator[Sent]:
    """The form with a token that is not its own, or from where no browser of ours is."""
    for token in ("", "AAAA", "!!", "ă", other, "A" * 5_000):
        told = urlencode(sheet.values | {"csrf_token": token})
        yield Sent(f"the token {token[:9]}", page(403), told)
    yield Sent("no token", page(403), urlencode(without(sheet.values, "csrf_token")))
    for name, told in {"Origin": "null", "Sec-Fetch-Site": "cross-site"}.items():
        yield Sent(name, page(403), urlencode(sheet.values), headers={name: told})


def as_a_stranger(sheet: Sheet, form: Form) -> Iterator[str]:
    """The form from a browser that nobody has signed in at; afterwards it is its owner's again."""
    known = sheet.client.get_cookie(form.cookie)
    sheet.client.delete_cookie(form.cookie)
    answer = send(sheet)
    yield from faults(answer, form.stranger, "vi")
    if form.stranger.how == TAKEN and not answer.location.startswith(SIGN_IN):
        yield f"sent to {answer.location}"
    sheet.client.set_cookie(form.cookie, known.value)


@by_route
class TestAttacker:
    """Case 61 to 64, on forms."""

    def test_a_bad_value_is_told_at_its_field(self, app, form: Form):
        """In English once for each thing that was said: the rest cannot differ."""
        walk = Walk(app, form, "vi")
        said = {}
        for field in form.fields:
            for kind in KINDS:
                if sentences := walk.tries_out(field, kind):
                    said.setdefault((field.name, field.outcome(kind), sentences), (field, kind))
        again = Walk(app, form, "en") if said else walk
        for field, kind in said.values():
            again.tries_out(field, kind)

        assert walk.found + again.found == []

    def test_what_is_no_form_is_refused_as_a_whole_and_uses_nothing_up(self, app, form: Form):
        """One browser, and the same honest form in the end."""
        sheet, found = opened(app, form, "vi"), []
        bad = [*not_forms(sheet, form)]
        if not form.is_cross_site:
            bad += of_another_page(sheet, form_token(app.test_client().get("/sign-in")))
        for sent in bad:
            answer = sheet.client.post(
                sheet.path, data=sent.body, content_type=sent.kind, headers=sent.headers
            )
            found += [f"{sent.what}: {fault}" for fault in faults(answer, sent.outcome, "vi")]
        if form.cookie:
            found += [f"a stranger: {fault}" for fault in as_a_stranger(sheet, form)]
        # What nobody asked for does no harm; where it does, the honest form goes after it.
        more = send(sheet, nobody_asked_for="this")
        found += [f"a field too many: {fault}" for fault in faults(more, form.extra, "vi")]
        if form.extra.how != TAKEN:
            found += [f"in the end: {fault}" for fault in faults(send(sheet), HONEST, "vi")]

        assert found == []


SWITCHED = [
    form for form in FORMS if form.fields and form.fields[0].outcome("unknown").how != TAKEN
]


@pytest.mark.parametrize("form", SWITCHED, ids=lambda form: form.route)
def test_the_person_s_own_choice_of_language_wins(app, form: Form):
    """The language switch: over what the browser says."""
    walk = Walk(app, form, "vi")
    walk.sheet.client.get("/language?to=en&back=/")
    walk.language = "en"

    walk.tries_out(form.fields[0], "unknown")

    assert walk.found == []


@pytest.mark.parametrize(
    ("opened_by", "name", "told_at"),
    [(decision_form, "contact_phone", "contact_phone"), (objection_form, "reason", "reason")],
)
def test_a_service_may_ask_for_the_language(app, opened_by, name: str, told_at: str):
    """OIDC Core §3.1.2.1, `ui_locales`: over what the browser says, on its errors too."""
    sheet = opened_by(a_visitor(app.test_client(), "vi"), ui_locales="en-GB vi")

    answer = send(sheet, spoilt(sheet, name, "empty"))

    assert list(faults(answer, at(told_at), "en")) == []


def test_a_service_may_ask_for_the_language_of_signing_in(app):
    """The same on the page of the password, which the request leads to."""
    client = a_visitor(app.test_client(), "vi")
    asked = request_form(client)
    place = client.get("/authorize", query_string=asked.values | {"ui_locales": "en"}).location
    token = form_token(client.get(place))

    answer = client.post(place, data={"csrf_token": token, "national_id": "12", "password": "p"})

    assert place.startswith("/sign-in?request=")
    assert list(faults(answer, at("national-id"), "en")) == []


def test_late_forms_say_that_they_are_late(app):
    """Ten minutes for a request and between the password and the code."""
    found = []
    for form in FORMS:
        is_request = form.route.startswith("/consent/")
        if not (is_request or form.route.endswith("/code")):
            continue
        for language in LANGUAGES:
            sheet = opened(app, form, language)
            with time_machine.travel(clock.now().timestamp() + 11 * 60, tick=False):
                answer = send(sheet)
            outcome = page(404) if is_request else form.stranger
            found += [f"{form.route}: {fault}" for fault in faults(answer, outcome, language)]

    assert found == []
