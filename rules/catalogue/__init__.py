"""Every field that rules can name, one row each: type, meaning, the events that carry it, and its source."""

from collections.abc import Mapping

from rules.catalogue.container import CONTAINER
from rules.catalogue.event import EVENT
from rules.catalogue.file import FILE
from rules.catalogue.process import PROCESS
from rules.catalogue.row import Row
from rules.catalogue.user import USER

FIELDS: Mapping[str, Row] = {row.name: row for row in (*EVENT, *FILE, *PROCESS, *USER, *CONTAINER)}
