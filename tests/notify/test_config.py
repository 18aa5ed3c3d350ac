"""The file of routes: what it means, and every mistake in it with its place."""

from pathlib import Path
from typing import Any

import pytest

from notify.config import load, loads
from notify.document import ConfigError, duration, span
from notify.labels import labels_of
from notify.matchers import MatcherError, matcher
from notify.route import matching
from tests.notify.samples import RECEIVERS, alert, config

TREE = """
route:
  receiver: soc
  group_by: [host]
  group_wait: 10s
  routes:
    - receiver: shop
      matchers: ['image =~ "example/shop:.*"', severity != low]
      group_wait: 1m30s
      continue: true
      routes:
        - {receiver: night, matchers: [technique = T1505]}
    - matchers: [container = "shop"]
      close_after: 1d
"""


def receivers(**changes: Any) -> list[str]:
    """Who gets an alert by the tree."""
    found = alert(**changes)
    return [route.receiver for route in matching(config(TREE).route, labels_of(found))]


def test_the_first_child_that_matches_takes_it_unless_it_continues() -> None:
    """As in Alertmanager: the deepest node wins, siblings after one that continues are asked too."""
    assert receivers() == ["night", "soc"]
    assert receivers(image="other") == ["soc"]
    assert receivers(image="other", container="db") == ["soc"]
    assert receivers(priority="Debug", container="db") == ["soc"]


def test_a_route_takes_from_its_parent_what_it_does_not_say() -> None:
    """Timing, grouping and receiver go down the tree; matchers do not."""
    first, second = config(TREE).route.routes
    assert (first.timing.group_wait, first.routes[0].timing.group_wait) == (90.0, 90.0)
    assert (second.timing.group_wait, second.timing.close_after) == (10.0, 86400.0)
    assert first.routes[0].group_by == second.group_by == ("host",)
    assert second.receiver == "soc"


def test_a_route_has_the_same_name_when_others_come_before_it() -> None:
    """Open incidents are found again after a change of the file."""
    more = TREE.replace(
        "  routes:\n    - receiver", "  routes:\n    - {matchers: [user = x]}\n    - receiver", 1
    )
    assert {route.id for route in config(TREE).route.routes} <= {r.id for r in config(more).route.routes}


BROKEN = """route:
  reciever: soc
  group_by: [hosst]
  group_wait: soon
  routes:
    - receiver: sco
      matchers: [severty = high, 'rule =~ "("', nonsense]
      mute_time_intervals: [nights]
receivers:
  - name: soc
    mail: [{host: mail.example, sender: nobody, to: soc@example.org, password: x}]
  - name: soc
time_intervals:
  - name: night
    time_intervals: [{times: [{start_time: '25:00', end_time: '06:00'}], weekdays: [mon]}]
inhibit_rules:
  - source_matchers: [severity = critical]
    lasting: x
links:
  - {title: Kibana, url: 'https://kibana.example/{contaner}'}
colour: red
"""


def test_all_mistakes_are_said_at_once_with_their_places() -> None:
    """Line, column, key, what is wrong, and what was probably meant."""
    with pytest.raises(ConfigError) as caught:
        loads(BROKEN, "routes.yaml")
    said = str(caught.value)
    for sentence in (
        "routes.yaml:2:3: route.reciever: there is no key 'reciever' here; did you mean 'receiver'?",
        "routes.yaml:3:14: route.group_by[0]: there is no label 'hosst'; did you mean 'host'?",
        "routes.yaml:4:15: route.group_wait: 'soon' is no duration; write 30s, 5m, 4h, 1h30m or 2d",
        "routes.yaml:6:17: route.routes[0].receiver: there is no receiver 'sco'; did you mean 'soc'?",
        "routes.yaml:7:18: route.routes[0].matchers[0]: there is no label 'severty'; did you mean 'seve",
        "is no regular expression: missing",
        "'nonsense' is no condition",
        "there is no time interval 'nights'; did you mean 'night'?",
        "routes.yaml:11:41: receivers[0].mail[0].sender: 'nobody' is no address",
        "receivers[0].mail[0].password: there is no key 'password' here; did you mean 'password_env'?",
        "there are two receivers 'soc'",
        "'25:00' is no time of day",
        "'mon' is no range; write a name such as monday",
        "target_matchers is missing",
        "nothing is known by the name {contaner}; did you mean 'container'?",
        "routes.yaml:21:1: colour: there is no key 'colour' here",
    ):
        assert sentence in said


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "there is nothing in it"),
        ("route: [", "not YAML"),
        ("- a", "must be a mapping of keys to values"),
        ("a: " + "[" * 5000, "nested too deep"),
        ("route: {receiver: soc}", "there are no receivers"),
        (RECEIVERS, "there is no route"),
        ("route: {receiver: soc, matchers: [severity=high]}" + RECEIVERS, "takes everything at any time"),
        ("route: {receiver: soc, group_by: [..., host]}" + RECEIVERS, "name it alone"),
        ("route: {receiver: soc, group_interval: 0s}" + RECEIVERS, "must be longer than nothing"),
        ("route: {receiver: soc, receiver: soc}" + RECEIVERS, "is there twice"),
        ("a: &a [1]\nb: \x00", "not YAML"),
    ],
)
def test_a_file_that_is_none_is_a_sentence(text: str, sentence: str) -> None:
    """Whatever it is, it does not crash."""
    with pytest.raises(ConfigError, match=sentence):
        loads(text)


def test_aliases_of_aliases_are_not_followed_for_ever() -> None:
    """A file of some lines that means a billion values is refused."""
    layers = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    bomb = f"a0: &a0 [1, 1, 1]\n{layers}route: {{receiver: soc, routes: *a8}}\n{RECEIVERS}"
    with pytest.raises(ConfigError, match="more than 100000 values"):
        loads(bomb)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    """With its name and why."""
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load(tmp_path / "routes.yaml")


def test_the_file_of_owners_is_beside_it_and_its_mistakes_are_told_too(tmp_path: Path) -> None:
    """One look shows what is wrong with either."""
    (tmp_path / "OWNERS").write_text("image:example/* team-shop\nimag:x y\nnonsense\n")
    (tmp_path / "routes.yaml").write_text(f"route: {{receiver: x}}\nowners: {{file: OWNERS}}\n{RECEIVERS}")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "routes.yaml")
    said = str(caught.value)
    assert "there is no receiver 'x'" in said
    assert "OWNERS:2:1: patterns are not for 'imag'; did you mean 'image'?" in said
    assert "OWNERS:3:1: write a pattern and an owner" in said


@pytest.mark.parametrize(
    ("written", "holds"),
    [
        ('severity="critical"', True),
        ("severity = critical", True),
        ('severity=~"crit"', False),
        ('severity=~"crit.*|high"', True),
        ('severity!~"low|medium"', True),
        ("technique=T1190", True),
        ("technique=T1505", True),
        ("technique!=T1505.003", False),
        ('namespace=""', True),
        ('namespace!=""', False),
        ("label.team=x", False),
        ('label.app.kubernetes.io/name!="x"', True),
    ],
)
def test_a_matcher_reads_as_in_alertmanager(written: str, holds: bool) -> None:
    """Expressions match the whole value; a missing label is an empty one; of several values one is enough."""
    assert matcher(written)(labels_of(alert())) is holds


def test_a_matcher_is_written_as_it_was_read() -> None:
    """Quotes and backslashes survive."""
    read = matcher(r'rule =~ "a\"b\\\\c\d+"')
    assert matcher(str(read)) == read
    with pytest.raises(MatcherError, match="do not end"):
        matcher('rule = "a" b"')


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("1h30m", 5400), ("2d", 172800), ("0", 0), ("1w", 604800), ("5", None), ("", None)],
)
def test_durations(text: str, seconds: float | None) -> None:
    """As Prometheus writes them."""
    assert duration(text) == seconds
    if seconds:
        assert duration(span(seconds)) == seconds
