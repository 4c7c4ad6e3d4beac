"""One PKCS#11 token as this process speaks to it: one session, and one call at a time.

The library is told of no threads (it is initialised without locks), and knows nothing of a fork.
So all calls wait for one turn, a fork waits for it too, and a child begins anew.
"""

import os
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pkcs11
from pkcs11 import ObjectClass
from pkcs11.types import PrivateKey, Session

from identity import waiting
from identity.files import UnsafeFileError

Found = TypeVar("Found")

_turn = threading.Lock()
_initialised: dict[Path, int] = {}  # in which process
_open: "weakref.WeakSet[Token]" = weakref.WeakSet()


class TokenFault(UnsafeFileError):
    """The token is not there, not ours, or refuses: as a file that cannot be used would be."""


class Token:
    """The token with that label; opened when it is first needed, and again when it was away."""

    def __init__(self, module: Path, *, label: str, pin: str) -> None:
        self._module, self._label, self._pin = module, label, pin
        self._session: Session | None = None
        self._keys: dict[str, PrivateKey] = {}
        self._is_refused = False  # never tried twice: a token locks its PIN after a few
        _open.add(self)

    def ask(self, act: Callable[[Session], Found], *, again: bool = True) -> Found:
        """What the act finds out in our session; asked `again` if that had been lost meanwhile.

        Raises:
            TokenFault: the token cannot be opened, or refuses.
            waiting.MustWait: here nobody may wait, for the token or for whose turn it is.
        """
        waiting.require()
        with _turn:
            was_open = self._session is not None
            try:
                return act(self._opened())
            except RuntimeError as fault:  # the library's errors are such
                self._leave()
                if not (was_open and again):
                    raise self._fault(fault) from None
            try:
                return act(self._opened())
            except RuntimeError as fault:
                self._leave()
                raise self._fault(fault) from None

    def private_key(self, session: Session, kid: str) -> PrivateKey:
        """The key of that name, inside `ask`; its handle is good as long as the session."""
        if kid not in self._keys:
            private = ObjectClass.PRIVATE_KEY
            found = session.get_key(object_class=private, id=kid.encode())
            self._keys[kid] = found  # type: ignore[assignment] # of the class that was asked for
        return self._keys[kid]

    def forget(self, kid: str) -> None:
        """The handle is used no more."""
        self._keys.pop(kid, None)

    def after_fork(self) -> None:
        """In a child: what the parent had open is not ours."""
        self._session, self._keys = None, {}

    def _opened(self) -> Session:
        if self._is_refused:
            raise self._fault(pkcs11.PinIncorrect())
        if self._session is None:
            token = self._loaded().get_token(token_label=self._label)
            try:
                self._session = token.open(rw=True, user_pin=self._pin)
            except (pkcs11.PinIncorrect, pkcs11.PinLocked):
                self._is_refused = True
                raise
            except pkcs11.UserAlreadyLoggedIn:  # by another session of this process
                self._session = token.open(rw=True)
        return self._session

    def _loaded(self) -> Any:  # noqa: ANN401 - its type has no public name
        try:
            return _library(self._module)
        except pkcs11.PKCS11Error as fault:
            if type(fault) is not pkcs11.PKCS11Error:
                raise  # what the library itself says
            raise TokenFault(f"{self._module} is no PKCS#11 library that can be loaded") from None

    def _leave(self) -> None:
        session, self._session, self._keys = self._session, None, {}
        if session is not None:
            try:
                session.close()
            except RuntimeError:
                return  # lost already

    def _fault(self, fault: Exception) -> TokenFault:
        # Its kind and no more: what a library says may hold anything.
        return TokenFault(f"the PKCS#11 token {self._label} refuses: {type(fault).__name__}")


def _library(module: Path) -> Any:  # noqa: ANN401 - its type has no public name
    """The library as this process initialised it; a child's copy of its state is the parent's."""
    library = pkcs11.lib(str(module))
    if _initialised.setdefault(module, os.getpid()) != os.getpid():
        library.reinitialize()
        _initialised[module] = os.getpid()
    return library


def _wait() -> None:
    _turn.acquire()


def _go_on() -> None:
    _turn.release()


def _begin_anew() -> None:
    global _turn  # noqa: PLW0603 - the parent's lock is held by a thread that is not here
    _turn = threading.Lock()
    for token in _open:
        token.after_fork()


os.register_at_fork(before=_wait, after_in_parent=_go_on, after_in_child=_begin_anew)
