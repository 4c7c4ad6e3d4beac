"""Five minutes to a first token: the README's own lines, typed by the test."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.databases import ROOT
from tests.journeys.country import Country, Person
from tests.serving import free_port

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on the path"),
]


def lines(heading: str) -> str:
    """The shell lines under a heading of the README, as they stand."""
    section = (ROOT / "README.md").read_text().split(f"### {heading}\n")[1].split("\n#")[0]
    return "".join(re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))


def here(country: Country, text: str) -> str:
    """The same lines for this installation, instead of the one at port 8000."""
    text = text.replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    text = text.replace("http://localhost:8000", country.issuer)
    text = text.replace("examples/first-service.json", f"{country.home}/service.json")
    return text.replace(" var/", f" {country.home}/")


def typing(country: Country, text: str) -> "subprocess.Popen[str]":
    """Somebody types the lines."""
    return subprocess.Popen(
        ["sh", "-eu", "-c", text],
        cwd=ROOT,
        env={**country.serving.environ, "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_five_minutes_to_a_first_token(browser: Browser, country: Country) -> None:
    """Register, a token for the service by curl, one about Lan by Authlib."""
    port = str(free_port())
    service = (ROOT / "examples" / "first-service.json").read_text().replace("9000", port)
    (country.home / "service.json").write_text(service)
    curl = typing(country, here(country, lines("With curl")))

    told = curl.communicate(timeout=60)[0]

    assert curl.returncode == 0
    assert '"active": true' in told
    assert '"sub": "first-service"' in told
    secret = json.loads((country.home / "first-service.json").read_text())["client_secret"]
    written = lines("With Python and Authlib").rstrip().replace("$SECRET", secret)
    authlib = typing(country, f"exec {here(country, written)} {port}")
    try:
        answer = lan_sends_what_is_asked(browser, country, authlib)
    finally:
        authlib.kill()
        authlib.wait()
    assert answer["id_token"]["iss"] == country.issuer
    assert answer["id_token"]["aud"] == "first-service"
    assert answer["values"]["full_name"]["value"] == "Nguyễn Thị Lan"
    assert answer["withheld"] == []


def lan_sends_what_is_asked(
    browser: Browser, country: Country, authlib: "subprocess.Popen[str]"
) -> dict[str, Any]:
    """She opens the printed address; what the program then fetched."""
    assert authlib.stdout is not None
    authlib.stdout.readline()
    lan = Person.at(browser, country, country.citizen("Nguyễn Thị Lan"))
    lan.page.goto(authlib.stdout.readline())
    lan.sign_in()
    lan.page.click("#consent-allow")
    assert lan.text().strip() == "Back to the terminal."
    answer: dict[str, Any] = json.loads(authlib.communicate(timeout=20)[0])
    return answer
