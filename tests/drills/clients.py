"""Eight people and their public service, who go on whatever happens, and remember what they got."""

import threading
import time
from dataclasses import dataclass, field
from random import SystemRandom

from tests.drills.memory import Asked, Memory, Promised
from tests.drills.town import Resident, Town, allow, arrive
from tests.drills.wire import Answer, Browser, Lost, NotGiven, Office, code_in, place

BREATH_SECONDS = 0.2  # after a broken connection: who restarts needs the processor more
CHANCE = SystemRandom()


@dataclass
class Client:
    """One resident with a browser, and the service that serves them."""

    town: Town
    number: int
    memory: Memory
    rounds: int = 0
    tokens: dict[str, str] = field(default_factory=dict)  # by decision, also of those withdrawn

    @property
    def resident(self) -> Resident:
        """Who it is."""
        return self.town.people[self.number]

    def go_on(self, stop: threading.Event) -> None:
        """Round after round; what breaks is begun anew."""
        browser = Browser(self.town.wire())
        office, other = self.town.office(), self.town.office()
        while not stop.is_set():
            if CHANCE.random() < 0.3:  # a new phone
                browser = Browser(self.town.wire())
            try:
                self._round(browser, office, other)
            except Lost:
                self.memory.count("lost")
                time.sleep(BREATH_SECONDS)
            except NotGiven as told:
                self.memory.wonder(str(told))
                browser = Browser(self.town.wire())

    def _round(self, browser: Browser, office: Office, other: Office) -> None:
        """Sign in if need be, decide, fetch, renew, and mostly withdraw."""
        self.rounds += 1
        code = self._decide(browser, f"HS-{self.number}-{self.rounds}")
        tokens = given(self.town.redeem(office, code)).json
        decision = tokens["authorization_details"][0]["decision_id"]
        self.memory.decisions.add(decision)
        self.memory.count("code redeemed")
        self.tokens[decision] = tokens["access_token"]
        self._fetch(office, decision)
        renewed = given(self._refresh(office, decision, tokens["refresh_token"])).json
        self.tokens[decision] = renewed["access_token"]
        self._fetch(other, decision)
        if CHANCE.random() < 0.7:  # the others keep what they gave
            self._withdraw(browser, decision)
            for asking in (office, other):
                self._fetch(asking, decision)
            self._refresh(other, decision, renewed["refresh_token"])
        # And one of long ago, whatever became of it.
        self._fetch(other, CHANCE.choice(list(self.tokens)))

    def _decide(self, browser: Browser, case: str) -> str:
        """The decision is confirmed where the page leads on; the code."""
        page = arrive(browser, self.resident, self.town.question(case))
        leads_to = allow(browser, page)
        if leads_to.startswith("/authorize?request="):
            self.memory.cases.append(case)
            self.memory.count("decided")
        return code_in(place(browser.get(leads_to)))

    def _fetch(self, office: Office, decision: str) -> None:
        began_at = time.monotonic()
        answer = office.fetch(self.tokens[decision])
        self._keep(Asked(decision, "fetch", began_at, answer.status))
        if answer.status == 200:
            entry = answer.json["entry"]
            self.memory.promised.append(Promised(int(entry["id"]), entry["promise"]))

    def _refresh(self, office: Office, decision: str, token: str) -> Answer:
        began_at = time.monotonic()
        answer = office.refresh(token)
        self._keep(Asked(decision, "refresh", began_at, answer.status))
        return answer

    def _keep(self, asked: Asked) -> None:
        self.memory.asked.append(asked)
        self.memory.count(f"{asked.what} {asked.status}")

    def _withdraw(self, browser: Browser, decision: str) -> None:
        leads_to = place(browser.fill(f"/my/consents/{decision}/withdraw"))
        if leads_to != f"/my/consents/{decision}":
            raise NotGiven(f"a withdrawal led to {leads_to.partition('?')[0]}")
        self.memory.acknowledge(decision)
        self.memory.count("withdrawn")


def given(answer: Answer) -> Answer:
    """What was asked for.

    Raises:
        NotGiven: something else.
    """
    if answer.status != 200:
        raise NotGiven(f"tokens were asked, the answer was {answer.status}")
    return answer
