"""Where fields get their values: from an event of the stream, or from given names and values."""

from collections.abc import Callable
from dataclasses import dataclass

from rules.catalogue.event_types import KINDS
from rules.catalogue.row import EVERY, Code
from rules.compiler.comparison import FieldValue

# The source for a field's value; ``None`` if it has none there.
Binding = Callable[[FieldValue], "Code | None"]


@dataclass(frozen=True, slots=True)
class OfStream:
    """Values of events of one type, with the process and the host they belong to: ``e``, ``p`` and ``h``."""

    event_type: str

    def __call__(self, field: FieldValue) -> Code | None:
        """The row's source for this type of event."""
        if field.spelled in ("evt.type", "syscall.type"):
            return Code(repr(self.event_type), sure=True)
        on = field.row.on
        for key in (self.event_type, KINDS[self.event_type], EVERY):
            if key in on:
                source = on[key]
                return source(field.argument) if callable(source) else source
        return None


def of_fields(field: FieldValue) -> Code:
    """Values that were given by name: ``f`` is a mapping in which missing fields are absent."""
    return Code(f"f.get({field.spelled!r})")
