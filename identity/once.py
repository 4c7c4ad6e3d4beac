"""A value that is worked out when it is first asked for, and kept."""

from collections.abc import Callable
from typing import Generic, TypeVar, overload

Owner = TypeVar("Owner")
Value = TypeVar("Value")


class once(Generic[Owner, Value]):  # noqa: N801 - used as a decorator, like property
    """`cached_property` without its lock.

    Until Python 3.12 that lock is one for all instances: whoever sends a body slowly would make
    everybody else's request wait.
    """

    def __init__(self, read: Callable[[Owner], Value]) -> None:
        self._read = read
        self._name = read.__name__
        self.__doc__ = read.__doc__

    @overload
    def __get__(self, instance: None, owner: type | None) -> "once[Owner, Value]": ...

    @overload
    def __get__(self, instance: Owner, owner: type | None) -> Value: ...

    def __get__(self, instance: Owner | None, owner: type | None) -> "once[Owner, Value] | Value":
        """The value; from now on it stands in the instance, and this is not asked again."""
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._read(instance)
        return value
