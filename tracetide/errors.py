"""The errors that a user can cause and mend: their messages are shown without a traceback."""

from collectors.contract import CollectorError
from sinks.contract import SinkError


class CommandError(Exception):
    """A command cannot do what it was asked: the message says why and what to do."""


EXPECTED: tuple[type[Exception], ...] = (CommandError, CollectorError, SinkError)
