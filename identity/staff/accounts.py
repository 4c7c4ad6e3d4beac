"""What a staff account keeps sealed: the name, and the second factor."""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from identity import sealing

TABLE = "staff"


@dataclass(frozen=True, slots=True)
class Factor:
    """A second factor: `totp` with its base32 secret, `demo` with its fixed code, or `none`."""

    kind: str
    secret: str = field(repr=False)


NO_FACTOR = Factor("none", "")  # until somebody has enrolled; nothing proves it


def sealed(staff_id: uuid.UUID, name: str, *, factor: Factor) -> dict[str, Any]:
    """The columns that hide name and second factor under a key of their own."""
    key = sealing.new_data_key()
    wrapped, kek_id = sealing.ring().wrap(key)
    place = {"table": TABLE, "row": staff_id.hex}
    return {
        "wrapped": wrapped,
        "kek_id": kek_id,
        "sealed_name": sealing.seal(key, name.encode(), column="sealed_name", **place),
        "sealed_factor": sealing.seal(key, _written(factor), column="sealed_factor", **place),
    }


def sealed_factor(row: Any, factor: Factor) -> bytes:  # noqa: ANN401 - a row of the staff table
    """Another second factor, as this account keeps it."""
    place = {"table": TABLE, "column": "sealed_factor", "row": row.id.hex}
    return sealing.seal(key_of(row), _written(factor), **place)


def name_of(row: Any) -> str:  # noqa: ANN401 - a row of the staff table
    """The name of a staff member."""
    return _open(row, "sealed_name").decode()


def factor_of(row: Any) -> Factor:  # noqa: ANN401 - a row of the staff table
    """The second factor of a staff member."""
    return Factor(**json.loads(_open(row, "sealed_factor")))


def key_of(row: Any) -> bytes:  # noqa: ANN401 - a row of the staff table
    """The key that seals what this account hides."""
    return sealing.ring().unwrap(bytes(row.wrapped), row.kek_id)


def _written(factor: Factor) -> bytes:
    return json.dumps({"kind": factor.kind, "secret": factor.secret}).encode()


def _open(row: Any, column: str) -> bytes:  # noqa: ANN401 - a row of the staff table
    hidden = bytes(getattr(row, column))
    return sealing.open_sealed(key_of(row), hidden, table=TABLE, column=column, row=row.id.hex)
