"""JSON as it is sent and signed: the standard encoder, made once for each of its spellings."""

import json
from collections.abc import Callable
from json import encoder
from typing import Any

Written = Callable[[Any], str]


def _writer(*, is_ascii: bool, is_sorted: bool = False) -> Written:
    """What `json.dumps` would say without a needless byte; it makes an encoder for every text."""
    usual = json.JSONEncoder(
        ensure_ascii=is_ascii, sort_keys=is_sorted, separators=(",", ":"), check_circular=False
    )
    made = getattr(encoder, "c_make_encoder", None)
    if made is None:  # another Python than CPython
        return usual.encode
    spell = encoder.encode_basestring_ascii if is_ascii else encoder.encode_basestring
    told = made(None, usual.default, spell, None, ":", ",", is_sorted, False, True)  # noqa: FBT003 - C takes no names
    return lambda content: "".join(told(content, 0))


def own_json(text: str) -> Any:  # noqa: ANN401 - whatever we wrote
    """What a text says that we wrote ourselves; nobody else's is read so lightly."""
    return _READER.raw_decode(text)[0]


_READER = json.JSONDecoder()

ascii_json = _writer(is_ascii=True)
json_text = _writer(is_ascii=False)
sorted_json = _writer(is_ascii=False, is_sorted=True)
