"""Exceptions: one class for each kind of error of the library."""

from __future__ import annotations


class Error(Exception):
    """Base of the exceptions of this package.

    ``kind`` is the kind as in the ``--json`` errors of the program, and ``hint`` is advice or ``None``.

    >>> import alimentar
    >>> try:
    ...     alimentar.open("no-such-dataset")
    ... except alimentar.Error as error:
    ...     print(error.kind)
    not_found
    """

    kind = "error"

    def __init__(self, message: str = "", hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    def __reduce__(self):
        return type(self), (str(self), self.hint)


class Ambiguous(Error, LookupError):
    """The name fits more than one thing."""

    kind = "ambiguous"


class Conflict(Error):
    """The request contradicts the present state: something exists, or has changed."""

    kind = "conflict"


class NotTrusted(Error):
    """The publisher or peer is not trusted, or access is refused."""

    kind = "denied"


class Integrity(Error):
    """Bytes do not match their hash, checksum or signature."""

    kind = "integrity"


class Interrupted(Error):
    """The work was stopped before its end."""

    kind = "interrupted"


class Invalid(Error, ValueError):
    """The request itself is malformed."""

    kind = "invalid"


class Io(Error):
    """The operating system refused or failed."""

    kind = "io"


class Network(Error):
    """A peer or the network failed."""

    kind = "network"


class NoSpace(Error):
    """The device is full."""

    kind = "no_space"


class NotFound(Error, LookupError):
    """The name fits nothing."""

    kind = "not_found"


class Partial(Error):
    """Some items succeeded and some failed."""

    kind = "partial"


class Unsupported(Error):
    """A newer version, or an unknown feature of the format, wrote the data; or it is damaged."""

    kind = "unsupported"


_KINDS = {
    kind.kind: kind
    for kind in (
        Ambiguous,
        Conflict,
        NotTrusted,
        Integrity,
        Interrupted,
        Invalid,
        Io,
        Network,
        NoSpace,
        NotFound,
        Partial,
        Unsupported,
    )
}


def make(kind: str, message: str, hint: str | None) -> Error:
    """Return the exception for an error of the library."""
    return _KINDS.get(kind, Error)(message, hint)
