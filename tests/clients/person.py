"""A person with a browser and no screen: opens what a public service sends, signs in, agrees."""

import re
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from tests.drills.town import Resident, sign_in
from tests.drills.wire import Answer, Browser, NotGiven

Arrived = dict[str, Any]  # the address a browser came to, and the form that it posted there
MOST_PAGES = 10
ENDS = ("/device/allowed", "/my/requests/allowed")  # pages that lead nowhere else
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')
_BOX = re.compile(r'<input type="checkbox" name="([^"]*)"[^>]* value="([^"]*)"')
_TYPED = re.compile(r'<input type="text"[^>]* name="([^"]*)" value="([^"]+)"')
_WAITS = re.compile(r'<li><a href="(/my/requests/[^"]+)">')
_SHOWN = re.compile(r'<dd id="binding-message">([^<]*)</dd>')
_POSTS = re.compile(r'<form method="post"(?: action="([^"]*)")?')


@dataclass
class Person:
    """Somebody who agrees to everything that they are asked."""

    issuer: str
    browser: Browser
    resident: Resident
    was_shown: str = ""  # the last message to compare with what a counter says

    def open(self, address: str) -> Arrived:
        """Go where the service sends, page after page; where the last one leads.

        Raises:
            NotGiven: the pages lead nowhere.
        """
        assert address.startswith(self.issuer + "/")
        path = address.removeprefix(self.issuer)
        self.browser.wire.close()  # what was open since the last time, the server may have ended
        for _ in range(MOST_PAGES):
            found = self._read(path)
            if not isinstance(found, str):
                return found
            path = found
        raise NotGiven("the pages go on and on")

    def _read(self, path: str) -> str | Arrived:
        """One page and what a person does there: the next path, or where they arrived."""
        if path.startswith("/sign-in"):
            return sign_in(self.browser, self.resident, path)
        answer = self.browser.get(path)
        if answer.status == 303:
            return _there(answer)
        if path in ENDS:
            return {"url": self.issuer + path}
        if waiting := _WAITS.search(answer.body.decode()):
            return waiting[1]
        if shown := _SHOWN.search(answer.body.decode()):
            self.was_shown = unescape(shown[1])
        action, fields = _form(answer)
        if urlsplit(action).netloc:
            return {"url": action, "form": fields}
        if b'value="allow"' in answer.body:
            fields |= {"answer": "allow", **_boxes(answer)}
        return _there(self.browser.post(action or path, **fields))


def _boxes(answer: Answer) -> dict[str, list[str]]:
    """Every box of the page, ticked."""
    ticked: dict[str, list[str]] = {}
    for name, value in _BOX.findall(answer.body.decode()):
        ticked.setdefault(name, []).append(unescape(value))
    return ticked


def _there(answer: Answer) -> str | Arrived:
    if answer.status != 303:
        raise NotGiven(f"a form was answered with {answer.status}")
    place = answer.headers["location"]
    return {"url": place} if urlsplit(place).netloc else place


def _form(answer: Answer) -> tuple[str, dict[str, Any]]:
    """Where the page's own form posts, and what stands in it already."""
    page = answer.body.decode()
    main = page[page.find("<main") :]
    posts = _POSTS.search(main)
    if answer.status != 200 or posts is None:
        raise NotGiven(f"a page without a form, status {answer.status}")
    form = main[posts.start() :]
    filled = _HIDDEN.findall(form) + _TYPED.findall(form)
    fields: dict[str, Any] = {name: unescape(value) for name, value in filled}
    return unescape(posts[1] or ""), fields
