"""Pages of ours in a browser, answered in this process: nothing has to be started for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, Route

HOUSE = "http://localhost:8000"
LEFT = "The browser was sent away from here."
PASSED = frozenset({"accept-language", "content-type", "origin", "sec-fetch-site"})


@contextmanager
def drawn(
    browser: Browser, client: FlaskClient, *, size: dict[str, int], has_scripts: bool = True
) -> Iterator[Page]:
    """A page whose every request this client of the house sends, with its own cookies.

    Scripts and a style of the test's own may measure; the pages themselves have neither.
    """

    def answer(route: Route) -> None:
        asked, address = route.request, urlsplit(route.request.url)
        told = client.open(
            f"{address.path}?{address.query}",
            method=asked.method,
            data=asked.post_data_buffer,
            headers={k: v for k, v in asked.headers.items() if k in PASSED},
            buffered=True,
        )
        # A redirect that was made up is followed past us, so it is followed here.
        while told.location and told.location.startswith("/"):
            told = client.get(told.location, buffered=True)
        if told.location:
            route.fulfill(body=LEFT)
            return
        route.fulfill(status=told.status_code, headers=dict(told.headers), body=told.data)

    context = browser.new_context(viewport=size, bypass_csp=True, java_script_enabled=has_scripts)
    with context:
        made = context.new_page()
        made.route("**/*", answer)
        yield made
