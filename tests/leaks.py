"""No personal number, name, password, code or token in a log line, a URL or an error body.

A plugin: the test whose log, address or error told one fails, whatever else it was about.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from werkzeug.test import TestResponse

from tests.people import ONE_TIME_CODE, PASSWORD

DEMO = Path(__file__).resolve().parent.parent / "examples" / "demo"
# Not inside a longer word: ids of ours are hexadecimal and may hold twelve digits in a row.
NUMBER = re.compile(r"(?<![0-9A-Za-z_-])[0-9]{12}(?![0-9A-Za-z_-])")
SIGNED = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}")
# Codes, refresh tokens, cookies and secrets: long, and in both cases, which no id of ours is.
# Looked for where a word begins only, or a long one is read again from each of its letters.
HANDLE = re.compile(
    r"(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]*[A-Z])(?=[A-Za-z0-9_-]*[a-z])[A-Za-z0-9_-]{40,}"
)
A_NUMBER, A_TOKEN, A_CODE = "a personal number", "a token", "a one-time code"
A_HANDLE = "a code, refresh token, cookie or secret"
A_WORD = "a password, secret or name of a person"
SENSITIVE = frozenset(
    [
        *("Authorization", "national_id", "username", "password", "one_time_code"),
        *("code_verifier", "refresh_token", "access_token", "token", "client_secret"),
        *("client_assertion", "id_token_hint", "login_hint"),
    ]
)
PUBLIC_MEMBERS = ("kid", "where", "fingerprint")  # a key's name and lines of our source
LEAST = 6  # shorter texts stand in an answer by chance
# The code and the state that OAuth itself sends through the browser (RFC 6749 §4.1.2).
IN_A_REDIRECT = {A_TOKEN, A_HANDLE}
# A page names the request it is about by an opaque id, so handles may stand there.
NEVER = {A_NUMBER, A_TOKEN, A_CODE, A_WORD}
OUR_FORM = re.compile(r'name="(?:csrf_token|shown|sign_out)" value="[^"]*"')


@cache
def known() -> frozenset[str]:
    """Every password, secret and name of the demo's and the tests' people."""
    words = {PASSWORD, "Nguyễn Thị Lan", "Trần Văn Minh", "Phạm Thu Hà"}
    for path in (DEMO / "citizens.jsonl", DEMO / "staff.json", DEMO / "services.json"):
        text = path.read_text(encoding="utf-8")
        found = re.findall(r'"(?:full_name|name|password|client_secret)": *"([^"]+)"', text)
        is_services = path.name == "services.json"  # whose names are no secret
        words |= {word for word in found if not is_services or " " not in word}
    return frozenset(words)


@cache
def codes() -> re.Pattern[str]:
    """The one-time codes of the demo's and the tests' people, each as a word of its own."""
    text = (DEMO / "citizens.jsonl").read_text() + (DEMO / "staff.json").read_text()
    found = {ONE_TIME_CODE, *re.findall(r'"one_time_code": *"([0-9]+)"', text)}
    return re.compile(r"(?<![0-9A-Za-z.])(?:" + "|".join(sorted(found)) + r")(?![0-9A-Za-z])")


def kinds(text: str) -> set[str]:
    """What kinds of secrets stand in the text; never the secrets themselves."""
    told = set()
    if NUMBER.search(text):
        told.add(A_NUMBER)
    if SIGNED.search(text):
        told.add(A_TOKEN)
    if HANDLE.search(text):
        told.add(A_HANDLE)
    if codes().search(text):
        told.add(A_CODE)
    if any(word in text for word in known()):
        told.add(A_WORD)
    return told


def in_log(output: str) -> set[str]:
    """The kinds of secrets in the log lines of some output."""
    told: set[str] = set()
    for line in output.splitlines():
        if not line.startswith("{") or '"event"' not in line:
            continue
        try:
            event = json.loads(line)
        except ValueError:
            told.add("a line that is no JSON object")
            continue
        event = {name: value for name, value in event.items() if name not in PUBLIC_MEMBERS}
        event.pop("timestamp", None)
        told |= {f"{kind} in {event.get('event')!r}" for kind in kinds(_flat(event))}
    return told


def _flat(event: dict[str, Any]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in event.items())


def examine(answer: TestResponse, sent: object = None) -> None:
    """Neither its address to go to nor, if it is an error, its body tells what was confided."""
    place = kinds(unquote(unquote(answer.headers.get("Location", "")))) - IN_A_REDIRECT
    told = {f"{kind} in Location" for kind in place}
    if _is_error(answer):
        body = unquote(OUR_FORM.sub("", answer.get_data(as_text=True)))
        told |= {f"{name} in an error body" for name, text in _sent(answer, sent) if text in body}
        told |= {f"{kind} in an error body" for kind in kinds(body) & NEVER}
    assert not told, f"{answer.request.method} {answer.request.path}: {sorted(told)}"


def _is_error(answer: TestResponse) -> bool:
    """The decision page shown once more tells the person their own values, and is none."""
    if answer.status_code < 400 or answer.direct_passthrough:
        return False
    return not (answer.request.path.startswith("/consent/") and 'name="shown"' in answer.text)


def _sent(answer: TestResponse, form: object) -> Iterator[tuple[str, str]]:
    """What the request confided to us, by its field."""
    credential = answer.request.headers.get("Authorization", "").partition(" ")[2]
    confided = [("Authorization", credential), *answer.request.args.items(multi=True)]
    if isinstance(form, dict):
        confided += form.items()
    elif isinstance(form, str):
        confided += parse_qsl(form, errors="replace")
    for name, text in confided:
        if name in SENSITIVE and isinstance(text, str) and len(text) >= LEAST:
            yield name, text


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """A test whose log told a secret has failed."""
    report: pytest.TestReport = yield
    # A report repeats what the phases before it said.
    said = [text for name, text in report.sections if name.endswith(f" {call.when}")]
    told = in_log("\n".join(said))
    if call.when == "teardown":
        told |= _in_files(item)
    if told and report.passed:
        report.outcome = "failed"
        report.longrepr = f"the log of this test tells {', '.join(sorted(told))}"
    return report


def _in_files(item: pytest.Item) -> set[str]:
    """The same in what processes of their own wrote, `motlan serve` for one."""
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    files = folder.rglob("*.log") if isinstance(folder, Path) else ()
    told: set[str] = set()
    for file in files:
        told |= in_log(file.read_text(encoding="utf-8", errors="replace"))
    return told
