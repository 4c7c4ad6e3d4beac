"""The demo country as it runs: the service, the sample service, and people who use them."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.databases import ROOT, Database, Databases
from tests.serving import Serving, free_port
from tests.tls import TlsProxy

PHONE = {"width": 360, "height": 640}
DESKTOP = {"width": 1280, "height": 900}


class Country:
    """One installation with the demo country in it, served by processes of its own."""

    def __init__(
        self, databases: Databases, database: Database, home: Path, *, is_https: bool = False
    ) -> None:
        self.sample_port = free_port()
        more = {
            "MOTLAN_SAMPLE_BIND": f"127.0.0.1:{self.sample_port}",
            "MOTLAN_OUTBOUND_ALLOW": "localhost,127.0.0.1",
        }
        self.proxy: TlsProxy | None = None
        if is_https:
            more["MOTLAN_ISSUER"] = f"https://localhost:{free_port()}"
        self.serving = Serving(databases, database, home, **more)
        if is_https:
            port = int(more["MOTLAN_ISSUER"].rpartition(":")[2])
            self.proxy = TlsProxy(port, home, to=self.serving.port)
            # The sample service asks the issuer over TLS, and has to trust the test's certificate.
            self.serving.environ["REQUESTS_CA_BUNDLE"] = str(self.proxy.certificate)
        self.home = home

    @property
    def issuer(self) -> str:
        """Where the service is, for a browser."""
        return self.serving.environ["MOTLAN_ISSUER"]

    @property
    def sample(self) -> str:
        """Where the sample service is: another origin."""
        return f"http://localhost:{self.sample_port}"

    def start(self) -> "Country":
        """The country is loaded and everything answers."""
        self.command("demo")
        self.serving.start(wait=False)
        # Through the proxy's host name the plain port would be refused, so ask for what is served.
        self.serving.until(lambda: self._answers(self.serving.port))
        self.serving.until(lambda: self._answers(self.sample_port))
        return self

    def stop(self) -> None:
        """Nothing of it runs any more."""
        self.serving.clear()
        if self.proxy is not None:
            self.proxy.close()

    def _answers(self, port: int) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        host = self.issuer.rpartition("/")[2] if port == self.serving.port else f"localhost:{port}"
        try:
            connection.request("GET", "/", headers={"Host": host})
            return connection.getresponse().status < 500
        except OSError:
            return False
        finally:
            connection.close()

    def command(self, *words: str) -> str:
        """Do one command of ours on this installation; what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *words],
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

    def citizen(self, name: str) -> dict[str, Any]:
        """How one of the demo people signs in."""
        found: dict[str, Any] = next(c for c in self.demo["citizens"] if c["name"] == name)
        return found

    def officer(self, number: int = 0) -> dict[str, Any]:
        """How one of the security officers signs in."""
        officers = [s for s in self.demo["staff"] if s["role"] == "security-officer"]
        return dict(officers[number])

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
    ) -> "Person":
        """Somebody sits down at a clean browser; scripts are for those who examine pages."""
        context = browser.new_context(
            java_script_enabled=has_scripts,
            viewport=size or PHONE,
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
        """What the page says."""
        return self.page.inner_text("body")

    def picture(self, name: str) -> None:
        """Keep a picture of the page, where somebody asked for pictures."""
        folder = os.environ.get("MOTLAN_TEST_PICTURES")
        if folder:
            self.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


Start = Callable[..., Country]
