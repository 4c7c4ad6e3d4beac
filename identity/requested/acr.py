"""Authentication levels as the wire says them: `vn:auth:1` to `vn:auth:4` (OIDC Core §5.5.1.1)."""

from collections.abc import Iterable
from dataclasses import dataclass

PREFIX = "vn:auth:"
LEVELS = (1, 2, 3, 4)
# The highest level that a sign-in can earn here today: a password and a one-time code.
ATTAINABLE = 2


def value(level: int) -> str:
    """The `acr` of a level."""
    return f"{PREFIX}{level}"


def level(text: str | None) -> int:
    """The level of an `acr`; 0 where it is none that we know."""
    return _NAMED.get(text or "", 0)


def known(values: Iterable[str]) -> tuple[int, ...]:
    """The levels among these values, in their order; unknown values are ignored."""
    return tuple(dict.fromkeys([_NAMED[text] for text in values if text in _NAMED]))


_NAMED = {value(level): level for level in LEVELS}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a public service asks of the sign-in, most wanted first."""

    levels: tuple[int, ...] = ()
    is_essential: bool = False
    is_named: bool = False  # values were named, known or not

    @property
    def is_possible(self) -> bool:
        """Whether an essential wish can be met here at all."""
        if not self.is_essential or not self.is_named:
            return True
        return any(level <= ATTAINABLE for level in self.levels)

    @property
    def target(self) -> int:
        """The level that the sign-in should reach; 0 where any does.

        Of a voluntary wish the first that can be earned; of an essential one the least that
        meets it.
        """
        earnable = [level for level in self.levels if level <= ATTAINABLE]
        if not earnable:
            return 0
        return min(earnable) if self.is_essential else earnable[0]

    def told(self, earned: int) -> int:
        """The level that the tokens name: one of an essential wish's, and never above `earned`."""
        met = [level for level in self.levels if level <= earned]
        return max(met) if self.is_essential and met else earned
