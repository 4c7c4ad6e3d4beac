"""Every command that reads a file: what is no such file is refused in a clear line."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from tests.exchange import publish_catalogues

COMMANDS = [
    ["services", "import"],
    ["citizens", "import"],
    ["registers", "import", "tax"],
    ["procedures", "import"],
    ["attributes", "import"],
    ["attributes", "import", "--registers"],
]
IDS = [" ".join(words) for words in COMMANDS]
CONTENTS = {
    "binary": bytes(range(256)) * 20,
    "utf-16": '{"client_name": "x"}'.encode("utf-16"),
    "not utf-8": b'{"client_name": "\xff\xfe"}\n',
    "nul": b'{"national_id": "\x00", "client_name": "a\\u0000b"}\n',
    "half a surrogate pair": b'{"client_name": "\\ud800", "national_id": "\\ud800"}\n',
    "deep": b"[" * 100_000,
    "long line": b"x" * 300_000,
    "a number": b"7\n",
    "endless number": b"9" * 10_000,
    "list": b"[[], 1, null]\n",
    "markup": b"<script>alert(7)</script>,{{7*7}}\n",
    "quotes that never end": b'a,"b\n' * 50,
    "control characters": b"\x1b[31m\r\x07,\x08\n",
}

Command = Callable[..., Result]


@pytest.fixture(scope="module")
def command(app: Flask) -> Command:
    """Does one command of ours, as an operator types it."""
    publish_catalogues()
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=list(words))


def is_a_clear_refusal(result: Result) -> bool:
    """It says no by its status and in words, and it was no accident."""
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    assert result.exit_code in {1, 2}, result.output
    assert result.output.strip()
    assert "Traceback" not in result.output
    assert "\x1b[31m" not in result.output
    return True


@pytest.mark.parametrize("words", COMMANDS, ids=IDS)
class TestAttacker:
    def test_a_missing_file_is_refused(self, command, words, tmp_path):
        assert is_a_clear_refusal(command(*words, str(tmp_path / "nothing")))

    def test_a_folder_is_refused(self, command, words, tmp_path):
        assert is_a_clear_refusal(command(*words, str(tmp_path)))

    @pytest.mark.slow
    @pytest.mark.parametrize("kind", CONTENTS)
    def test_a_file_of_another_kind_is_refused(self, command, words, kind, tmp_path: Path):
        file = tmp_path / "file"
        file.write_bytes(CONTENTS[kind])

        assert is_a_clear_refusal(command(*words, str(file)))

    def test_an_empty_file_changes_nothing(self, command, words, tmp_path: Path):
        """No line is no bad line; a catalogue or a registration needs its content."""
        file = tmp_path / "file"
        file.touch()

        result = command(*words, str(file))

        if words[0] in {"citizens", "registers"}:
            assert result.exit_code == 0
            assert " 0 bad" in result.output
        else:
            assert is_a_clear_refusal(result)
