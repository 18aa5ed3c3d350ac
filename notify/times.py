"""Recurring times, such as nights and weekends, written as in Alertmanager."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from notify.document import Value

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_KEYS = ("times", "weekdays", "days_of_month", "months", "years", "location")

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Interval:
    """Moments at which all that is given holds; ranges include their ends, times of day (minutes) do not."""

    times: tuple[Range, ...] = ()
    weekdays: tuple[Range, ...] = ()
    days_of_month: tuple[Range, ...] = ()
    months: tuple[Range, ...] = ()
    years: tuple[Range, ...] = ()
    location: tzinfo = UTC

    def __call__(self, moment: float) -> bool:
        """Whether ``moment`` (seconds since the epoch) is in it."""
        there = datetime.fromtimestamp(moment, self.location)
        minute = there.hour * 60 + there.minute
        last = monthrange(there.year, there.month)[1]
        days = [(_day(start, last), _day(end, last)) for start, end in self.days_of_month]
        return (
            (not self.times or any(start <= minute < end for start, end in self.times))
            and _in(self.weekdays, there.weekday())
            and (not days or _in(days, there.day))
            and _in(self.months, there.month)
            and _in(self.years, there.year)
        )


def interval(value: Value) -> Interval:
    """Read one; what is wrong is noted."""
    entries = value.entries(_KEYS)
    return Interval(
        times=tuple(_times(each) for each in entries["times"].items()) if "times" in entries else (),
        weekdays=_ranges(entries.get("weekdays"), WEEKDAYS, 0),
        days_of_month=_ranges(entries.get("days_of_month"), (), 0),
        months=_ranges(entries.get("months"), MONTHS, 1),
        years=_ranges(entries.get("years"), (), 0),
        location=_location(entries.get("location")),
    )


def _in(ranges: Sequence[Range], number: int) -> bool:
    return not ranges or any(start <= number <= end for start, end in ranges)


def _day(number: int, last: int) -> int:
    """A day of the month; -1 is its last."""
    return number if number > 0 else last + 1 + number


def _times(value: Value) -> Range:
    entries = value.entries(("start_time", "end_time"))
    for name in ("start_time", "end_time"):
        if name not in entries:
            value.fail(f"{name} is missing")
            return 0, 0
    start, end = _minute(entries["start_time"]), _minute(entries["end_time"])
    if start >= end:
        value.fail("start_time must be before end_time; make two of a time that goes past midnight")
    return start, end


def _minute(value: Value) -> int:
    hours, colon, minutes = value.text().partition(":")
    if colon and hours.isdecimal() and minutes.isdecimal() and len(minutes) == 2:
        minute = int(hours) * 60 + int(minutes)
        if int(minutes) < 60 and minute <= 24 * 60:
            return minute
    value.fail(f"'{value.text()}' is no time of day; write it in quotes, such as '09:30' or '24:00'")
    return 0


def _ranges(value: Value | None, names: Sequence[str], first: int) -> tuple[Range, ...]:
    """Ranges such as ``monday:friday``, ``1:5`` or ``-3:-1``; one name or number alone is a range too."""
    found = []
    for each in value.items() if value else []:
        parts = [_number(part.strip().lower(), names, first) for part in each.text().split(":")]
        if len(parts) > 2 or None in parts:
            meant = f"a name such as {names[0]}" if names else "a number"
            each.fail(f"'{each.text()}' is no range; write {meant}, or two with a colon between them")
            continue
        numbers = [part for part in parts if part is not None]
        if numbers[0] > numbers[-1] and (numbers[0] >= 0) is (numbers[-1] >= 0):
            each.fail(f"'{each.text()}' ends before it starts")
        found.append((numbers[0], numbers[-1]))
    return tuple(found)


def _number(text: str, names: Sequence[str], first: int) -> int | None:
    if text in names:
        return names.index(text) + first
    if names and first == 0:
        return None
    try:
        return int(text)
    except ValueError:
        return None


def _location(value: Value | None) -> tzinfo:
    if value is None:
        return UTC
    try:
        return ZoneInfo(value.text())
    except (ZoneInfoNotFoundError, ValueError, OSError):
        value.fail(f"there is no time zone '{value.text()}'; write one such as Europe/Berlin")
        return UTC
