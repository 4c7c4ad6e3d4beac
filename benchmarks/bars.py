"""The bars: what has to be reached beside the peer, and what is aimed at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.peers import DURABLE, MEMORY
from benchmarks.rounds import Results

Peers = Mapping[str, Results]
BETTER = "the better of both"
TAIL_MUST, TAIL_AIM = 0.6, 0.3  # of the peer's p99


@dataclass(frozen=True)
class Bar:
    """One operation of ours over one of the peer's, in one round."""

    number: str
    ours: str
    must: float
    aim: float
    beside: str = DURABLE
    theirs: str = ""  # empty: the same operation

    def ratio(self, ours: Results, peers: Peers) -> float:
        """The median of the rounds."""
        theirs = self._theirs(peers)
        pairs = zip(ours.rates[self.ours], theirs.rates[self.theirs or self.ours], strict=True)
        return median(mine / yours for mine, yours in pairs)

    def processor(self, ours: Results, peers: Peers) -> float:
        """The same by the processor's time for each: what neighbours on the machine hardly move."""
        theirs = self._theirs(peers).processor[self.theirs or self.ours]
        pairs = zip(ours.processor[self.ours], theirs, strict=True)
        return median(yours / mine for mine, yours in pairs)

    def allowance(self, peers: Peers) -> float:
        """What the peer spends, in microseconds."""
        return median(self._theirs(peers).processor[self.theirs or self.ours])

    def tail(self, ours: Results, peers: Peers) -> float:
        """The p99 of ours over that of the peer."""
        theirs = self._theirs(peers)
        return ours.quantile(self.ours, 0.99) / theirs.quantile(self.theirs or self.ours, 0.99)

    def _theirs(self, peers: Peers) -> Results:
        if self.beside != BETTER:
            return peers[self.beside]
        return max(peers.values(), key=lambda one: median(one.rates[self.ours]))


BARS = (
    Bar("1", "client credentials", 2.0, 3.0, beside=BETTER),
    Bar("2", "introspection", 1.6, 2.5),
    Bar("3", "userinfo", 1.5, 2.5),
    Bar("4", "release of 5", 1.2, 2.0, theirs="userinfo"),
    Bar("5", "refresh", 2.0, 3.0),
    Bar("6", "code flow", 1.5, 2.5),
    Bar("7", "private_key_jwt", 1.5, 2.5),
    Bar("9", "JWKS", 1.5, 3.0, beside=MEMORY),
    Bar("9", "discovery", 1.5, 3.0, beside=MEMORY),
)
# Ours over ours, or over a primitive.
OWN = (
    # First beside what writes nothing, though a proof must be spent for good; then like by like.
    Bar("7", "DPoP-bound", 0.55, 0.7, theirs="client credentials"),
    Bar("7", "DPoP-bound refresh", 0.55, 0.7, theirs="refresh"),
    Bar("10", "client credentials", 0.15, 0.25, theirs="ES256"),
)


def table(ours: Results, peers: Peers) -> Iterator[str]:
    """One line for each bar."""
    yield "| bar | what | must | aim | measured | | by processor time |"
    yield "| ---: | --- | ---: | ---: | ---: | --- | ---: |"
    if peers:
        for bar in BARS:
            against = f"{bar.ours} over the peer's {bar.theirs or 'own'}, {bar.beside}"
            found = bar.ratio(ours, peers)
            yield f"{_line(bar, against, found)} {bar.processor(ours, peers):.2f} |"
    for bar in OWN:
        yield f"{_line(bar, f'{bar.ours} over our {bar.theirs}', _own(bar, ours))} |"
    for bar in BARS if peers else ():
        if bar.beside != MEMORY:
            yield f"{_tail(bar, bar.tail(ours, peers))} |"


def _own(bar: Bar, ours: Results) -> float:
    if bar.theirs in ours.primitives:
        return ours.ratio(bar.ours, bar.theirs)
    pairs = zip(ours.rates[bar.ours], ours.rates[bar.theirs], strict=True)
    return median(rate / other for rate, other in pairs)


def _line(bar: Bar, what: str, found: float) -> str:  # noqa: PLR0917 - as the columns stand
    said = "aim" if found >= bar.aim else "must" if found >= bar.must else "**not reached**"
    return f"| {bar.number} | {what} | {bar.must:.2f} | {bar.aim:.2f} | {found:.2f} | {said} |"


def _tail(bar: Bar, found: float) -> str:
    said = "aim" if found <= TAIL_AIM else "must" if found <= TAIL_MUST else "**not reached**"
    what = f"p99 of {bar.ours} over the peer's"
    return f"| 8 | {what} | {TAIL_MUST:.2f} | {TAIL_AIM:.2f} | {found:.2f} | {said} |"


def between(ours: Results, peers: Peers, *, looked: Mapping[str, Any]) -> Iterator[str]:
    """What one operation costs us, where, and what the bar allows."""
    yield "| operation | CPU µs | in our code | before and behind it | must allows | aim allows |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for bar in BARS if peers else ():
        served, alone = median(ours.processor[bar.ours]), looked[bar.ours]["cpu_microseconds"]
        allowed = bar.allowance(peers)
        cells = (served, min(alone, served), max(served - alone, 0.0))
        told = " | ".join(
            f"{cell:,.0f}" for cell in (*cells, allowed / bar.must, allowed / bar.aim)
        )
        yield f"| {bar.ours} | {told} |"


def rates(ours: Results, peers: Peers) -> Iterator[str]:
    """What was measured side by side."""
    columns = " | ".join(f"{who} | p99 ms | CPU µs" for who in ("ours", *peers))
    yield f"| operation | {columns} |"
    yield "| --- |" + " ---: | ---: | ---: |" * (1 + len(peers))
    names = [name for name in ours.rates if all(name in one.rates for one in peers.values())]
    for name in names:
        cells = [
            f"{median(one.rates[name]):,.0f} | {one.quantile(name, 0.99):.1f}"
            f" | {median(one.processor[name]):,.0f}"
            for one in (ours, *peers.values())
        ]
        yield f"| {name} | {' | '.join(cells)} |"
