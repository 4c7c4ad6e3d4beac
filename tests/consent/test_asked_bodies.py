"""What a release takes is what its schema says, whichever of the two has looked at it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.exchange.wire import LONGEST, MOST_NAMES, AskSchema, asked
from identity.errors import InvalidRequest

TEXTS = st.sampled_from(["", "a", "full_name", "x" * LONGEST, "x" * (LONGEST + 1)])
LISTS = st.lists(TEXTS | st.none(), max_size=3) | st.just([f"a{n}" for n in range(MOST_NAMES + 1)])
TOLD = TEXTS | LISTS | st.none() | st.booleans() | st.integers() | st.dictionaries(TEXTS, TEXTS)
BODIES = st.dictionaries(st.sampled_from(["procedure", "attributes", "case", "citizen"]), TOLD)


@given(BODIES)
def test_a_body_is_taken_where_the_schema_takes_it(body):
    names = body.get("attributes")
    is_twice = isinstance(names, list) and any(names.count(name) > 1 for name in names)
    if AskSchema().validate(body) or is_twice:
        with pytest.raises(InvalidRequest):
            asked(body)
        return
    told = asked(body)
    assert (told.procedure, told.case) == (body.get("procedure"), body.get("case"))
    assert told.attributes == (None if names is None else tuple(names))
    assert told.names_case == ("case" in body)


def test_a_whole_body_is_taken():
    told = asked({"procedure": "1.004222", "attributes": ["full_name", "sex"], "case": None})

    assert told == ("1.004222", ("full_name", "sex"), None, True)
