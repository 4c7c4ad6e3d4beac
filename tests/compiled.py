"""What every app of a test process would compile again: its templates and its addresses.

A plugin. A fifth of the suite makes an app of its own, and the same text gives the same code.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule


class Kept(BytecodeCache):
    """The code of templates, by their source: one that was changed is compiled."""

    def __init__(self) -> None:
        self.codes: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """The bucket has the code of its source, if somebody compiled it."""
        bucket.code = self.codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Whoever asks for the same source next has this code."""
        assert bucket.code is not None
        self.codes[bucket.key, bucket.checksum] = bucket.code


def by_address(make: Callable[..., Any]) -> Callable[..., Any]:
    """Makes what builds an address; the same for one that reads the same."""
    made: dict[tuple[object, ...], Any] = {}

    @wraps(make)
    def kept(rule: Rule, append_unknown: bool = True) -> Any:  # noqa: FBT001, FBT002 - Werkzeug's own
        if rule.defaults:  # then it depends on these, too
            return make(rule, append_unknown)
        told = (rule.rule, tuple(rule._trace), append_unknown)
        if told not in made:
            made[told] = make(rule, append_unknown)
        return made[told]

    return kept


Flask.jinja_options = {"bytecode_cache": Kept()}
Rule._compile_builder = by_address(Rule._compile_builder)
