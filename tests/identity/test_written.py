"""The quick ways to read a form and to write JSON say what the standard library says."""

import json
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity import written
from identity.errors import InvalidRequest
from identity.parameters import FIELD_LIMIT, Parameters

TEXTS = st.text(alphabet="ab=&+%c34;é", max_size=40)  # no NUL: a form never holds one
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


def _standard(text: str) -> list[tuple[str, str]] | None:
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict")
    except ValueError:
        return None


@given(TEXTS)
def test_a_form_is_read_as_the_standard_library_reads_it(text):
    wanted = _standard(text)

    if wanted is None:
        with pytest.raises(InvalidRequest):
            Parameters(text)
        return
    read = Parameters(text)
    names = [name for name, _ in wanted]
    assert read.names() == list(dict.fromkeys(names))
    assert set(read.repeated()) == {name for name in names if names.count(name) > 1}
    once = [(name, value) for name, value in wanted if names.count(name) == 1]
    assert [(name, read.one(name) or "") for name, _ in once] == once


@given(st.lists(TEXTS, min_size=2))
def test_what_may_be_sent_again_is_read_whole(values):
    """RFC 8707 §2: addresses, so that a space parts them."""
    read = Parameters(urlencode([("resource", value) for value in values]))

    assert read.one("resource") == (" ".join(values).strip() or None)
    assert read.repeated() == []


@pytest.mark.parametrize("escape", ["", "+", "%20"])
def test_too_many_parameters_are_refused_with_and_without_anything_to_decode(escape):
    Parameters("&".join([f"a={escape}"] * FIELD_LIMIT))

    with pytest.raises(InvalidRequest):
        Parameters("&".join([f"a={escape}"] * (FIELD_LIMIT + 1)))


@given(JSON)
def test_json_is_written_as_the_standard_library_writes_it(content):
    assert written.ascii_json(content) == json.dumps(content, separators=(",", ":"))
    assert written.json_text(content) == json.dumps(
        content, ensure_ascii=False, separators=(",", ":")
    )
    assert written.sorted_json(content) == json.dumps(
        content, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )


@given(JSON)
def test_what_we_wrote_is_read_as_the_standard_library_reads_it(content):
    assert written.own_json(json.dumps(content, ensure_ascii=False, indent=1)) == content


@pytest.mark.parametrize("writer", [written.ascii_json, written.json_text])
def test_what_json_has_no_word_for_is_a_mistake_of_ours(writer):
    with pytest.raises(TypeError):
        writer({"a": object()})
