"""Rule files: what items define, how later ones change earlier ones, and what is refused."""

from pathlib import Path

import pytest

import rules
from rules import RuleErrors
from tests.rules.files import errors, holds, load, only, rule

BASE = rule("evt.type=execve and proc.name=sh", extra="  tags: [a, b]")


def test_lists_and_macros() -> None:
    """Lists and macros stand for what they were defined as; a list may name an earlier list."""
    found = only(
        "- list: shells\n  items: [sh, bash]\n- list: all\n  items: [shells, fish]\n",
        "- macro: shell\n  condition: proc.name in (all)\n",
        rule("evt.type=execve and shell"),
    )
    assert holds(found, evt_type="execve", proc_name="bash")
    assert not holds(found, evt_type="execve", proc_name="all")
    assert found.event_types == {"execve"}
    assert found.fields == {"evt.type", "proc.name"}


def test_lists_nested_twice() -> None:
    """A list in a list in a list stays a word: only one level is taken apart, as Falco does it."""
    found = only(
        "- list: a\n  items: [x]\n- list: b\n  items: [a]\n- list: c\n  items: [b]\n",
        rule("evt.type=execve and proc.name in (c)"),
    )
    assert holds(found, evt_type="execve", proc_name="a")
    assert not holds(found, evt_type="execve", proc_name="x")


def test_macros_are_units() -> None:
    """A macro is a whole: what is next to its name does not change how its parts belong together."""
    found = only("- macro: m\n  condition: proc.name=a or proc.name=b\n", rule("evt.type=execve and m"))
    assert not holds(found, evt_type="open", proc_name="b")


def test_macros_see_earlier_ones_only() -> None:
    """A macro cannot name one that is defined after it; once it is appended to it can."""
    assert errors("- macro: m\n  condition: n\n- macro: n\n  condition: proc.name=a\n", rule("m")) == [
        "1:2:14: macro m: no macro is named 'n' before this one"
    ]
    late = "- macro: m\n  condition: or n\n  override: {condition: append}\n"
    found = only(
        "- macro: m\n  condition: proc.name=b\n- macro: n\n  condition: proc.name=a\n",
        late,
        rule("evt.type=open and m"),
    )
    assert holds(found, evt_type="open", proc_name="a")


def test_macros_that_refer_to_themselves() -> None:
    """A circle of macros is an error."""
    first = "- macro: m\n  condition: proc.name=b\n- macro: n\n  condition: m\n"
    again = "- macro: m\n  condition: n\n"
    assert errors(first, again, rule("m")) == ["1:4:14: macro n: macro m refers to itself"]


def test_redefinition_keeps_the_place() -> None:
    """A rule that is defined again is replaced where it was."""
    ruleset = load(rule("evt.type=open", "A"), rule("evt.type=open", "B"), rule("evt.type=execve", "A"))
    assert [each.name for each in ruleset.rules] == ["A", "B"]
    assert ruleset.rules[0].event_types == {"execve"}
    assert ruleset.rules[0].file == "3"


def test_later_files_cannot_supply_macros() -> None:
    """A macro must be defined in the same file or one before; a later file can change it."""
    assert errors(rule("evt.type=open and m"), "- macro: m\n  condition: proc.name=a\n") == [
        "1:4:32: rule R: no macro is named 'm'"
    ]
    found = only(
        "- macro: m\n  condition: proc.name=a\n",
        rule("evt.type=open and m"),
        "- macro: m\n  condition: proc.name=b\n",
    )
    assert holds(found, evt_type="open", proc_name="b")


def test_appending() -> None:
    """Appended conditions, outputs, descriptions and tags are added to what is there."""
    found = only(
        BASE,
        "- rule: R\n  condition: or proc.name=bash\n  output: more\n  desc: e\n  tags: [b, c]\n"
        "  override: {condition: append, output: append, desc: append, tags: append}\n",
    )
    assert found.condition == "evt.type=execve and proc.name=sh or proc.name=bash"
    assert holds(found, evt_type="open", proc_name="bash"), "appended text can change what belongs together"
    assert found.output == "out %proc.name more"
    assert found.info.description == "d e"
    assert found.tags == ["a", "b", "c"]


def test_old_way_of_appending() -> None:
    """``append: true`` adds condition and exceptions, items of lists, and the condition of macros."""
    found = only(
        "- list: l\n  items: [a]\n- macro: m\n  condition: proc.name in (l)\n",
        rule("evt.type=open and m"),
        "- list: l\n  items: [b]\n  append: true\n- macro: m\n  condition: or proc.name=c\n  append: true\n",
        "- rule: R\n  condition: and proc.pid=1\n  append: true\n",
    )
    assert all(holds(found, evt_type="open", proc_name=name, proc_pid=1) for name in "abc")
    assert not holds(found, evt_type="open", proc_name="a", proc_pid=2)


def test_replacing() -> None:
    """Replaced keys are new, the others stay."""
    found = only(
        BASE,
        "- rule: R\n  condition: evt.type=open\n  priority: error\n  enabled: false\n"
        "  override: {condition: replace, priority: replace, enabled: replace}\n",
    )
    assert found.condition == "evt.type=open"
    assert found.priority == "Error"
    assert not found.enabled
    assert found.output == "out %proc.name"


def test_switching() -> None:
    """An item with ``enabled`` alone switches an earlier rule."""
    assert not only(BASE, "- rule: R\n  enabled: false\n").enabled


EXCEPTIONS = """  exceptions:
    - name: single
      fields: proc.pname
      values: [a, "b c"]
    - name: tuples
      fields: [proc.exe, fd.name]
      comps: [=, startswith]
      values:
        - [x, /tmp]
        - [y, /var]
    - name: lists
      fields: [proc.exe, proc.pname]
      comps: [in, in]
      values:
        - [[p, q], r]
    - name: unused
      fields: [proc.exe]
"""


@pytest.mark.parametrize(
    ("fields", "matches"),
    [
        ({}, True),
        ({"proc_pname": "a"}, False),
        ({"proc_pname": "b c"}, False),
        ({"proc_pname": "b"}, True),
        ({"proc_exe": "x", "fd_name": "/tmp/f"}, False),
        ({"proc_exe": "x", "fd_name": "/var/f"}, True),
        ({"proc_exe": "y", "fd_name": "/var/f"}, False),
        ({"proc_exe": "q", "proc_pname": "r"}, False),
        ({"proc_exe": "q", "proc_pname": "s"}, True),
    ],
)
def test_exceptions(fields: dict[str, str], matches: bool) -> None:
    """A rule does not match what one of its exceptions says."""
    found = only(rule("evt.type=open or evt.type=openat", extra=EXCEPTIONS))
    assert holds(found, evt_type="open", **fields) is matches


def test_exceptions_with_modifiers() -> None:
    """An exception of one field may compare with an operator and a modifier."""
    text = "  exceptions:\n    - {name: e, fields: proc.name, comps: startswith anyof, values: [a, b]}\n"
    found = only(rule("evt.type=open", extra=text))
    assert not holds(found, evt_type="open", proc_name="bash")
    assert holds(found, evt_type="open", proc_name="cat")


def test_appended_exceptions() -> None:
    """Values can be added to an exception, and exceptions to a rule."""
    found = only(
        rule("evt.type=open", extra=EXCEPTIONS),
        "- rule: R\n  exceptions:\n    - {name: single, values: [d]}\n"
        "    - {name: new, fields: [proc.exe], values: [[z]]}\n  override: {exceptions: append}\n",
    )
    assert not holds(found, evt_type="open", proc_pname="d")
    assert not holds(found, evt_type="open", proc_pname="a")
    assert not holds(found, evt_type="open", proc_exe="z")


def test_several_documents() -> None:
    """A file may hold several documents, and empty ones; each goes on where the one before ended."""
    found = only("- macro: m\n  condition: proc.name=a\n---\n---\n" + rule("evt.type=open and m"))
    assert holds(found, evt_type="open", proc_name="a")


@pytest.mark.parametrize("version", ["0.63.0", "0.26.0", "10", '"0.57.0"'])
def test_engine_versions(version: str) -> None:
    """Files for this engine's version or an earlier one are accepted."""
    assert load(f"- required_engine_version: {version}\n").rules == ()


def test_unknown_sources() -> None:
    """A rule for another source of events is left out with a warning."""
    ruleset = load(rule("evt.type=open", extra="  source: k8s_audit"))
    assert ruleset.rules == ()
    assert "source k8s_audit" in str(ruleset.warnings[0])


def test_skipping_what_does_not_exist() -> None:
    """With skip-if-unknown-filter a rule that names what does not exist is left out; other errors remain."""
    skip = "  skip-if-unknown-filter: true"
    ruleset = load(rule("evt.type=open and no.field=1", extra=skip), rule("evt.type=nosuch", "S", skip))
    assert ruleset.rules == ()
    assert len(ruleset.warnings) == 2
    assert "whole number" in errors(rule("proc.pid=x", extra=skip))[0]


def test_unknown_technique() -> None:
    """A technique that the table does not have is kept by its id, with a warning."""
    ruleset = load(rule("evt.type=open", extra="  attack: [T1600]"))
    assert [technique.id for technique in ruleset.rules[0].info.techniques] == ["T1600"]
    assert "no T1600" in str(ruleset.warnings[0])


def test_unknown_things_are_warnings() -> None:
    """Unknown items and keys are ignored with a warning that says what was probably meant."""
    ruleset = load("- lsit: a\n  items: []\n" + rule("evt.type=open", extra="  tgas: [x]"))
    assert [str(warning) for warning in ruleset.warnings] == [
        "1:1:3: an item that begins with 'lsit' is not known and ignored; did you mean list?",
        "1:9:3: rule R: the key 'tgas' is not known and ignored; did you mean tags?",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("rule: x\n", "1:1:1: a rule file must be a list of items"),
        ("- x\n", "1:1:3: an item must be a mapping"),
        ("- a: [\n", "not YAML"),
        ("- a: \x01\n", "not YAML: control characters are not allowed"),
        ("- a: *b\n", "no anchor is named 'b'"),
        ("- required_engine_version: 0.64.0\n", "needs version 0.64.0"),
        ("- required_engine_version: 1.0.0\n", "needs version 1.0.0"),
        ("- required_engine_version: soon\n", "'soon' is no version"),
        ("- list: a\n", "list a: 'items' is missing"),
        ("- list: a\n  items: x\n", "list a: 'items' must be a list"),
        ("- list: a\n  items: [[x]]\n", "list a: each of 'items' must be text"),
        ("- list: a\n  items: []\n  append: true\n", "no list to append to is named 'a'"),
        ("- macro: a\n", "macro a: 'condition' is missing"),
        ("- macro: a\n  condition:\n", "macro a: 'condition' is empty"),
        ("- macro: a\n  condition: b\n  append: true\n", "no macro to append to is named 'a'"),
        ("- rule: a\n", "rule a: a rule needs condition, output, desc and priority"),
        ("- rule: a\n  condition: evt.type=open\n", "rule a: 'output' is missing"),
        ("- rule: a\n  enabled: false\n", "no rule of that name was defined before"),
        (rule("evt.type=open", extra="  enabled: maybe"), "'enabled' must be true or false, not 'maybe'"),
        (rule("evt.type=open").replace("WARNING", "WARN"), "'WARN' is no priority; did you mean warning?"),
        (rule("evt.type=open", extra="  tags: x"), "'tags' must be a list"),
        (rule("evt.type=open", extra="  exceptions: [{fields: x}]"), "an exception needs a name"),
        (rule("evt.type=open", extra="  exceptions: [{name: e}]"), "exception 'e' needs fields"),
        (
            rule(
                "evt.type=open", extra="  exceptions: [{name: e, fields: proc.name, comps: =, values: [a]}]"
            ),
            "must be intersects, in, pmatch, or an operator with oneof, anyof, allof, not '='",
        ),
        (
            rule(
                "evt.type=open",
                extra="  exceptions: [{name: e, fields: [proc.name], comps: [is], values: [[a]]}]",
            ),
            "no operator is named 'is'",
        ),
        (
            rule("evt.type=open", extra="  exceptions: [{name: e, fields: [proc.name], values: [[a, b]]}]"),
            "as many values as fields",
        ),
        (
            rule("evt.type=open", extra="  exceptions: [{name: e, fields: [a], comps: [=, =]}]"),
            "as many comps as fields",
        ),
        (
            rule("evt.type=open", extra="  exceptions: [{name: e, fields: a}, {name: e, fields: b}]"),
            "two exceptions",
        ),
        (BASE + "- rule: R\n  condition: x\n  override: {condition: add}\n", "'add' is no override"),
        (
            BASE + "- rule: R\n  priority: INFO\n  override: {priority: append}\n",
            "'priority' cannot be appended to",
        ),
        (BASE + "- rule: R\n  name: x\n  override: {name: replace}\n", "'name' cannot be replaced"),
        (BASE + "- rule: R\n  override: {condition: append}\n", "names 'condition', which is not there"),
        (
            BASE + "- rule: R\n  condition: x\n  desc: y\n  override: {condition: append}\n",
            "does not say what to do with 'desc'",
        ),
        (
            BASE + "- rule: R\n  condition: x\n  append: true\n  override: {condition: append}\n",
            "cannot stand together",
        ),
        (BASE + "- rule: R\n  append: true\n  tags: [x]\n", "nothing to append"),
        (
            BASE
            + "- rule: R\n  exceptions: [{name: e, fields: [proc.name]}]\n  override: {exceptions: append}\n",
            "is new here and needs fields and values",
        ),
        (
            rule("evt.type=open", extra=EXCEPTIONS)
            + "- rule: R\n  exceptions: [{name: single, fields: x, values: [y]}]\n"
            "  override: {exceptions: append}\n",
            "only values can be appended",
        ),
        (
            BASE + "- rule: R\n  exceptions: [{name: e, fields: [proc.name], values: [[a]]}]\n"
            "  override: {exceptions: replace}\n",
            "needs comps",
        ),
        (rule("evt.type=open", extra="  cases: [x]"), "'cases' must be a mapping"),
        (
            rule("evt.type=open", extra="  attack: [T99999]"),
            "'T99999' is no id of a technique, such as T1059.004",
        ),
    ],
)
def test_errors(text: str, sentence: str) -> None:
    """What cannot be used is refused with a sentence."""
    assert sentence in "\n".join(errors(text))


def test_places_of_errors() -> None:
    """Errors name file, line and column, in folded and quoted text, in macros and in appended parts."""
    found = errors(
        "- list: l\n  items: [a, b c]\n"
        "- macro: m\n"
        '  condition: "proc.name in (l) and\n'
        '    proc.nam=x"\n'
        "- rule: R\n"
        "  desc: d\n"
        "  condition: >\n"
        "    evt.type=open and (m or\n"
        "    proc.name in (l) and prco.name=y)\n"
        "  output: |\n"
        "    text %proc.name\n"
        "    and %porc.name\n"
        "  priority: INFO\n"
        "  exceptions:\n"
        "    - {name: e, fields: [proc.exe], values: [[z]]}\n",
        "- rule: R\n"
        "  condition: and fd.nme=1\n"
        "  override: {condition: append}\n",
    )  # fmt: skip
    assert [fault.split(" ")[0] for fault in found] == ["1:5:5:", "1:10:26:", "1:13:10:", "2:2:18:"]


def test_all_errors_at_once() -> None:
    """Every item that is wrong is named, in the order of the files."""
    found = errors("- list: x\n", rule("a.b=1", "A"), "- macro: y\n", rule("proc.pid=x", "B"))
    assert [fault.split(":")[0] for fault in found] == ["1", "2", "3", "4"]


def test_errors_in_macros_are_said_once() -> None:
    """A wrong macro is named once, however many rules use it; one that no rule uses is a warning."""
    wrong = "- macro: m\n  condition: no.field=1\n"
    assert len(errors(wrong, rule("m", "A"), rule("m", "B"))) == 1
    assert "no.field" in str(load(wrong, rule("evt.type=open")).warnings[0])


def test_minimum_priority() -> None:
    """Rules less urgent than wanted are known but never asked."""
    texts = [
        ("1", rule("evt.type=open", "A")),
        ("2", rule("evt.type=execve", "B").replace("WARNING", "DEBUG")),
    ]
    ruleset = rules.load_texts(texts, minimum="Notice")
    assert list(ruleset.matchers) == ["open"]
    assert len(ruleset.rules) == 2


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that is missing or no text is an error among the others."""
    (tmp_path / "x.yaml").write_bytes(b"- list: \xff\n")
    with pytest.raises(RuleErrors) as raised:
        rules.load([tmp_path / "none.yaml", tmp_path], library=False)
    assert [fault.sentence for fault in raised.value.errors] == [
        "cannot be read: No such file or directory",
        "is not UTF-8 at byte 8",
    ]
