"""What happened to an account lately, for its owner's page in the other half of the house."""

import uuid
from collections.abc import Sequence

from consent.looks import records
from identity.account.events import SHOWN, Happened


def latest(citizen_id: uuid.UUID, types: Sequence[str]) -> Sequence[Happened]:
    """The newest entries of these types about one person; reading one's own leaves no entry."""
    found = records.newest(citizen_id, types, limit=SHOWN)
    return [Happened(row.id, row.type, row.at) for row in found]
