"""What a staff account keeps sealed: the name, and the second factor."""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from identity import sealing

TABLE = "staff"


@dataclass(frozen=True, slots=True)
class Factor:
    """A second factor: `totp` with its base32 secret, or `demo` with its fixed code."""

    kind: str
    secret: str = field(repr=False)


def sealed(staff_id: uuid.UUID, name: str, *, factor: Factor) -> dict[str, Any]:
    """The columns that hide name and second factor under a key of their own."""
    key = sealing.new_data_key()
    wrapped, kek_id = sealing.ring().wrap(key)
    told = json.dumps({"kind": factor.kind, "secret": factor.secret}).encode()
    place = {"table": TABLE, "row": staff_id.hex}
    return {
        "wrapped": wrapped,
        "kek_id": kek_id,
        "sealed_name": sealing.seal(key, name.encode(), column="sealed_name", **place),
        "sealed_factor": sealing.seal(key, told, column="sealed_factor", **place),
    }


def name_of(row: Any) -> str:  # noqa: ANN401 - a row of the staff table
    """The name of a staff member."""
    return _open(row, "sealed_name").decode()


def factor_of(row: Any) -> Factor:  # noqa: ANN401 - a row of the staff table
    """The second factor of a staff member."""
    return Factor(**json.loads(_open(row, "sealed_factor")))


def _open(row: Any, column: str) -> bytes:  # noqa: ANN401 - a row of the staff table
    key = sealing.ring().unwrap(row.wrapped, row.kek_id)
    hidden = getattr(row, column)
    return sealing.open_sealed(key, hidden, table=TABLE, column=column, row=row.id.hex)
