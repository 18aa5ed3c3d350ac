"""Recurring times, as Alertmanager understands them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from notify.document import parse
from notify.times import interval


def holds(written: str, moment: datetime) -> bool:
    """Whether a moment is in an interval."""
    value = parse(written, "times.yaml")
    read = interval(value)
    assert value.faults.found == []
    return read(moment.timestamp())


def utc(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A moment of 2026."""
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "moment", "inside"),
    [
        ("{times: [{start_time: '09:00', end_time: '17:00'}]}", utc(11, 24, 9), True),
        ("{times: [{start_time: '09:00', end_time: '17:00'}]}", utc(11, 24, 17), False),
        ("{times: [{start_time: '22:00', end_time: '24:00'}]}", utc(11, 24, 23, 59), True),
        ("{weekdays: ['monday:friday']}", datetime(2026, 11, 28, 12, tzinfo=UTC), False),
        ("{weekdays: [saturday, sunday]}", datetime(2026, 11, 28, 12, tzinfo=UTC), True),
        ("{days_of_month: ['1:5', '-1']}", datetime(2026, 11, 30, tzinfo=UTC), True),
        ("{days_of_month: ['-3:-1']}", datetime(2026, 2, 26, tzinfo=UTC), True),
        ("{days_of_month: ['-3:-1']}", datetime(2028, 2, 26, tzinfo=UTC), False),
        ("{months: ['november:12'], years: ['2026:2027']}", datetime(2026, 12, 1, tzinfo=UTC), True),
        ("{months: [may]}", datetime(2026, 6, 1, tzinfo=UTC), False),
        (
            "{times: [{start_time: '00:00', end_time: '01:00'}], location: Europe/Berlin}",
            datetime(2026, 7, 1, 0, 30, tzinfo=ZoneInfo("Europe/Berlin")),
            True,
        ),
        ("{}", datetime(2026, 7, 1, tzinfo=UTC), True),
    ],
)  # fmt: skip
def test_a_moment_is_in_an_interval(written: str, moment: datetime, inside: bool) -> None:
    """Ends of ranges belong to them, those of times of day do not; negative days count from the end."""
    assert holds(written, moment) is inside


@pytest.mark.parametrize(
    "written",
    [
        "{times: [{start_time: '22:00', end_time: '06:00'}]}",
        "{times: [{start_time: 540, end_time: '06:00'}]}",
        "{times: [{start_time: '09:00'}]}",
        "{weekdays: [moonday]}",
        "{weekdays: ['friday:monday']}",
        "{days_of_month: [first]}",
        "{location: Middle/Earth}",
        "{hours: [3]}",
    ],
)
def test_what_is_no_time_is_said(written: str) -> None:
    """A mistake is a fault with its place, not an interval that never holds."""
    value = parse(written, "times.yaml")
    interval(value)
    assert len(value.faults.found) == 1
