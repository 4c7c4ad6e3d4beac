"""The ways in which a request comes without a browser, and what a person's answer does to it."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from identity.authentication.sessions import CitizenSession

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"  # RFC 8628 §3.4
CIBA = "urn:openid:params:grant-type:ciba"  # CIBA Core §10.1


@dataclass(frozen=True, slots=True)
class Polled:
    """One such request, as the authorization that answers it knows it."""

    kind: str  # the way it came: device, ciba
    digest: bytes  # of what its public service polls with; also of the code that it ends in
    until: datetime
    citizen_id: uuid.UUID | None = None  # who is asked; null: whoever has the user code

    def stored(self) -> dict[str, Any]:
        """JSON for the column `polled`; members may be added, never renamed."""
        return {
            "kind": self.kind,
            "digest": self.digest.hex(),
            "until": self.until.isoformat(),
            "citizen": self.citizen_id and self.citizen_id.hex,
        }

    @classmethod
    def read(cls, stored: Mapping[str, Any] | None) -> "Polled | None":
        """What `stored` wrote; null: a browser brought the request."""
        if stored is None:
            return None
        citizen = stored["citizen"]
        return cls(
            kind=stored["kind"],
            digest=bytes.fromhex(stored["digest"]),
            until=datetime.fromisoformat(stored["until"]),
            citizen_id=citizen and uuid.UUID(hex=citizen),
        )

    def is_for(self, citizen_id: uuid.UUID) -> bool:
        """Whether this person may answer it."""
        return self.citizen_id in {None, citizen_id}


@dataclass(frozen=True, slots=True)
class Way:
    """What an answer does, each inside the transaction of that answer, and where the person lands.

    Both acts raise AlreadyAnswered where the request has its answer, or its time is over.
    """

    allow: Callable[[Polled, CitizenSession], None]
    refuse: Callable[[Polled], None]
    allowed_page: str
    refused_page: str


_ways: dict[str, Way] = {}


def join(kind: str, way: Way) -> None:
    """From now on requests may come in this way."""
    _ways[kind] = way


def of(polled: Polled) -> Way:
    """The way in which it came."""
    return _ways[polled.kind]
