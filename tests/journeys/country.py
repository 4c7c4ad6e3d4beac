"""The demo country as it runs: the service, the sample service, and people who use them."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.databases import ROOT, Databases
from tests.journeys.cast import TOLD
from tests.journeys.office import Lobby
from tests.serving import Serving, free_port
from tests.tls import TlsProxy

PHONE = {"width": 360, "height": 640}
DESKTOP = {"width": 1280, "height": 900}


class Country:
    """One installation with the demo country in it, served by processes of its own.

    It is loaded once a test process, and every journey finds it running. Behind TLS it has the
    same name and port, so that its log stays the same log.
    """

    def __init__(self, databases: Databases, home: Path) -> None:
        self.home, self.lobby = home, Lobby()
        self.sample_port = free_port()
        database = databases.copy()
        more = {
            "MOTLAN_SAMPLE_BIND": f"127.0.0.1:{self.sample_port}",
            "MOTLAN_OUTBOUND_ALLOW": "localhost,127.0.0.1",
        }
        self.plain = Serving(databases, database, home, **more)
        more["MOTLAN_ISSUER"] = self.plain.issuer.replace("http://", "https://")
        self.behind_tls = Serving(databases, database, home, **more)
        self.serving = self.plain
        self._proxy: TlsProxy | None = None
        self._is_running = False

    @property
    def issuer(self) -> str:
        """Where the service is, for a browser."""
        return self.serving.environ["MOTLAN_ISSUER"]

    @property
    def sample(self) -> str:
        """Where the sample service is: another origin."""
        return f"http://localhost:{self.sample_port}"

    def found(self) -> "Country":
        """The demo country is loaded, and the cast of the journeys."""
        self._run("-m", "tests.journeys.founding", str(self.home), self.lobby.address)
        return self

    def runs(self, *, is_https: bool = False) -> "Country":
        """Everything answers, over TLS if that was asked for."""
        wanted = self.behind_tls if is_https else self.plain
        if self._is_running and self.serving is wanted:
            return self
        self.stop()
        self.serving, self._is_running = wanted, True
        if is_https:
            self._proxy = TlsProxy(self.plain.port, self.home, to=wanted.port)
            # The sample service asks the issuer over TLS, and has to trust the test's certificate.
            wanted.environ["REQUESTS_CA_BUNDLE"] = str(self._proxy.certificate)
        self._write_issuer()
        wanted.start()
        wanted.until(lambda: self._answers(self.sample_port))
        return self

    def _write_issuer(self) -> None:
        """The sample service reads where we are in what the demo wrote."""
        file = self.home / "demo.json"
        told = json.loads(file.read_text(encoding="utf-8")) | {"issuer": self.issuer}
        file.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")

    def stop(self) -> None:
        """Nothing of it runs any more; it can run again."""
        self.serving.clear()
        self._is_running = False
        if self._proxy is not None:
            self._proxy.close()
            self._proxy = None

    def _answers(self, port: int) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", "/", headers={"Host": f"localhost:{port}"})
            return connection.getresponse().status < 500
        except OSError:
            return False
        finally:
            connection.close()

    def command(self, *words: str) -> str:
        """Do one command of ours on this installation; what it said."""
        return self._run("-m", "flask", "--app", "wsgi", *words)

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=ROOT,
            env=self.serving.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(words)}:\n{done.stdout}{done.stderr}"
        return done.stdout

    @cached_property
    def demo(self) -> dict[str, Any]:
        """What `motlan demo` wrote for people who want to try it."""
        told: dict[str, Any] = json.loads((self.home / "demo.json").read_text(encoding="utf-8"))
        return told

    @cached_property
    def cast(self) -> dict[str, Any]:
        """How those sign in whom journeys may use up."""
        told: dict[str, Any] = json.loads((self.home / TOLD).read_text(encoding="utf-8"))
        return told

    @cached_property
    def _officers(self) -> Iterator[dict[str, Any]]:
        return cycle(self.cast["officers"])

    def citizen(self, name: str) -> dict[str, Any]:
        """How somebody of this name signs in, with the papers of the demo's, whom nobody met."""
        people = self.cast["people"]
        found = next((one for one in people if one["name"] == name), None)
        assert found is not None, f"nobody is left called {name}: NAMESAKES has to be larger"
        people.remove(found)
        return dict(found)

    def newcomer(self) -> dict[str, Any]:
        """Number and letter of somebody who has never signed in."""
        return dict(self.cast["newcomers"].pop())

    def invited(self, role: str) -> dict[str, Any]:
        """Link and code of somebody who begins to work here in this role."""
        return dict(self.cast["invited"][role].pop())

    def member(self, role: str, number: int = 0) -> dict[str, Any]:
        """How one of the demo's staff signs in."""
        members = [s for s in self.demo["staff"] if s["role"] == role]
        return dict(members[number])

    def officer(self, number: int = 0) -> dict[str, Any]:
        """How one of the demo's security officers signs in; each is of another unit."""
        return self.member("security-officer", number)

    def other_officer(self) -> dict[str, Any]:
        """How the next of the cast's security officers signs in, each time of the other unit."""
        return dict(next(self._officers))

    def check_log(self) -> str:
        """The log is whole; what `log verify` said."""
        return self.command("log", "verify")


@dataclass
class Person:
    """Somebody with a browser of their own; scripts are off."""

    country: Country
    page: Page
    told: dict[str, Any]

    @classmethod
    def at(
        cls,
        browser: Browser,
        country: Country,
        told: dict[str, Any],
        *,
        language: str = "vi-VN",
        size: dict[str, int] | None = None,
        has_scripts: bool = False,
        sharp: float = 1,
    ) -> "Person":
        """Somebody sits down at a clean browser; scripts are for those who examine pages."""
        context = browser.new_context(
            java_script_enabled=has_scripts,
            viewport=size or PHONE,
            device_scale_factor=sharp,
            locale=language,
            ignore_https_errors=True,
        )
        context.set_default_timeout(10_000)
        return cls(country, context.new_page(), told)

    def open(self, path: str) -> None:
        """Open a page of the service."""
        self.page.goto(self.country.issuer + path)

    def sign_in(self) -> None:
        """Fill in number, password and code, wherever the sign-in page was met."""
        self.page.fill("#national-id", self.told["national_id"])
        self.page.fill("#password", self.told["password"])
        self.page.click("#submit-sign-in")
        self.page.fill("#one-time-code", self.told["one_time_code"])
        self.page.click("#submit-code")

    def sign_in_as_staff(self) -> None:
        """The officers' own sign-in."""
        self.open("/staff/sign-in")
        self.page.fill("#username", self.told["username"])
        self.page.fill("#password", self.told["password"])
        self.page.click("#submit-sign-in")
        self.page.fill("#one-time-code", self.told["one_time_code"])
        self.page.click("#submit-code")

    def start(self, procedure: str) -> None:
        """Begin a procedure at the sample service."""
        self.page.goto(self.country.sample)
        self.page.click(f'[id="start-{procedure}"]')

    def text(self) -> str:
        """What the page says, once all of it is there."""
        self.page.wait_for_load_state()
        return self.page.inner_text("body")

    def picture(self, name: str) -> None:
        """Keep a picture of the page, where somebody asked for pictures."""
        folder = os.environ.get("MOTLAN_TEST_PICTURES")
        if folder:
            self.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


Start = Callable[..., Country]
