"""The demo's own files, as they are committed in `examples/demo`."""

import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from identity import settings
from identity.citizens.wire import Line, read_line

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples" / "demo"
_SAMPLE = "http://localhost:8001"


def read(name: str) -> Any:  # noqa: ANN401 - whatever the file holds
    """A file of JSON."""
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def lines(name: str) -> list[dict[str, Any]]:
    """A file with an object of JSON in each line."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def written_on() -> date:
    """The day that the files speak of as today."""
    return date.fromisoformat(read("people.json")["files_date"])


def registers(*, as_seen_on: date) -> Iterator[tuple[str, list[bytes]]]:
    """Each register's lines, seen that day: of what had not begun by then, nothing."""
    shift = as_seen_on - written_on()
    for path in sorted((FOLDER / "registers").glob("*.jsonl")):
        told = [_shifted(line, shift) for line in lines(f"registers/{path.name}")]
        begun = [x for x in told if x["valid_from"] is None or x["valid_from"] <= x["as_of"]]
        yield path.stem, [json.dumps(line, ensure_ascii=False).encode() for line in begun]


def _shifted(line: Mapping[str, Any], shift: timedelta) -> dict[str, Any]:
    return {**line, "as_of": (date.fromisoformat(line["as_of"]) + shift).isoformat()}


def enrolled(person: Mapping[str, Any]) -> Line:
    """A person of the files as the import of citizens reads them."""
    return read_line(json.dumps(person).encode(), is_demo=True)


def services() -> str:
    """The public services, the sample service's addresses as they are here."""
    text = (FOLDER / "services.json").read_text(encoding="utf-8").replace(_SAMPLE, sample())
    if settings.current().sample_bind:
        return text
    told = json.loads(text)
    for service in told:
        service.pop("backchannel_logout_uri", None)  # nobody is there to hear of a sign-out
    return json.dumps(told)


def sample() -> str:
    """Where the sample service is, or would be."""
    bind = settings.current().sample_bind or "127.0.0.1:8001"
    return "http://localhost:" + bind.rpartition(":")[2]


def shortened(text: str, room: int) -> str:
    """The text, cut where it is longer than there is room for."""
    return text if len(text) <= room else text[: room - 1] + "…"
