"""A name without accents, marks and letter case: how people type it, and how it is compared."""

import re
import unicodedata

_APART = re.compile(r"[^a-z0-9]+")


def plain(name: str) -> str:
    """`Phường Hòa Hưng` and `phường hoà hưng` both become `phuong hoa hung`."""
    letters = unicodedata.normalize("NFD", name.casefold().replace("đ", "d"))
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return _APART.sub(" ", bare.replace("'", "").replace("’", "")).strip()
