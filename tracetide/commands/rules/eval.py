"""``tracetide rules eval``: try a condition on given values of fields."""

import json as encoding
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn

import click

import rules
from rules import GivenError, Rule, RuleErrors
from tracetide import options
from tracetide.errors import CommandError
from tracetide.loading import given_rules


@click.command(name="eval")
@click.argument("condition", required=False)
@click.option("--fields", help="Values by field, as a JSON object; a list where a field has several.")
@click.option("--rules", "paths", multiple=True, type=click.Path(exists=True, path_type=Path))
@options.on_library
@click.option("--rule", "name", help="Take the condition of this rule, from --rules or the library.")
@click.option("--cases", type=click.File("rb"), help="Many at once: a JSON object a line; - for stdin.")
def evaluate(
    condition: str | None,
    fields: str | None,
    paths: tuple[Path, ...],
    on_library: bool,
    name: str | None,
    cases: Iterable[bytes] | None,
) -> None:
    """Say whether CONDITION is true for given values of fields; one that is not given is missing.

    Each line of --cases has an id, a condition (or rules, a list of YAML texts, and rule), and fields;
    each answer has the id, a result (true, false or "error") and a message.
    """
    if cases is not None:
        for answer in answers(cases):
            click.echo(encoding.dumps(answer))
        return
    if (condition is None) == (name is None):
        raise click.UsageError("give either CONDITION or --rule")
    values = _object(fields or "{}")
    for each in rules.unknown_fields(values):
        click.echo(f"warning: no field is named {each!r}", err=True)
    try:
        if condition is not None:
            result = rules.evaluate(condition, values)
        else:
            loaded = given_rules(paths, on_library=on_library)
            result = rules.evaluate_rule(named_rule(loaded.rules, name), values)
    except (RuleErrors, GivenError) as error:
        raise CommandError(str(error)) from error
    click.echo("true" if result else "false")


def answers(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """An answer for each line that is not blank, whatever is in it."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _answer(number, line)


def _answer(number: int, line: bytes) -> dict[str, Any]:
    name: object = number
    try:
        case = _object(line)
        name = _name(case, number)
        return {"id": name, "result": _result(case), "message": ""}
    except (RuleErrors, GivenError, CommandError) as error:
        message = str(error)
    except Exception as error:  # noqa: BLE001  # one line must not keep the others from being answered
        message = f"cannot be judged: {type(error).__name__}: {error}"
    return {"id": name, "result": "error", "message": message}


def _name(case: Mapping[str, Any], number: int) -> object:
    """The id, or the number of the line where there is none that an answer could repeat."""
    name = case.get("id")
    plain = isinstance(name, str | int) or (isinstance(name, float) and isfinite(name))
    return name if plain else number


def _result(case: Mapping[str, Any]) -> bool:
    condition, texts, name = (case.get(key) for key in ("condition", "rules", "rule"))
    fields = case.get("fields")
    if fields is None:
        fields = {}
    if not isinstance(fields, dict):
        raise CommandError("fields is not an object")
    if (condition is None) == (texts is None and name is None):
        raise CommandError("a case needs either condition, or rules and rule")
    if condition is not None:
        return rules.evaluate(_text(condition, "condition"), fields)
    if not isinstance(texts, list):
        raise CommandError("rules is not a list of texts")
    loaded = _read(tuple(_text(text, f"rules[{number}]") for number, text in enumerate(texts)))
    return rules.evaluate_rule(named_rule(loaded, name), fields)


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise CommandError(f"{what} is not text")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise CommandError(f"{what} is not text: it holds half of a surrogate pair")
    return value


@lru_cache(256)
def _read(texts: tuple[str, ...]) -> tuple[Rule, ...]:
    return rules.read_texts((f"rules[{number}]", text) for number, text in enumerate(texts))


def _object(text: str | bytes) -> dict[str, Any]:
    try:
        value = encoding.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise CommandError("not JSON that can be read: it is nested too deep") from error
    except ValueError as error:
        raise CommandError(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise CommandError("not a JSON object")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def named_rule(loaded: Iterable[Rule], name: object) -> Rule:
    """The rule of that name; raises ``CommandError`` with the nearest name if there is none."""
    known = {rule.name: rule for rule in loaded}
    if not isinstance(name, str) or name not in known:
        raise CommandError(f"no rule is named {name!r}{rules.suggestion(str(name), known)}")
    return known[name]
