"""Look up every field, operator and constant of a parsed condition; say everything that is wrong with it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rules.catalogue import FIELDS
from rules.catalogue.event_types import KNOWN
from rules.catalogue.row import Row, Type, Values
from rules.compiler import matching
from rules.compiler.comparison import Call, Comparison, Constant, FieldValue, Listed, Value, fields_of
from rules.compiler.constants import OF_LISTS, constant, operators
from rules.compiler.logic import Is, Tree, all_of, any_of, depth, leaves, opposite
from rules.language import syntax
from rules.nearest import suggestion

MAX_DEPTH = 100
MAX_CHECKS = 10_000

Logic = Tree[Comparison]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at index ``at`` of a condition. ``unknown``: something named there does not exist."""

    at: int
    sentence: str
    unknown: bool = False


class WrongError(Exception):
    """A part of a condition or an output has no meaning."""

    def __init__(self, at: int, sentence: str, *, unknown: bool = False) -> None:
        super().__init__(sentence)
        self.problem = Problem(at, sentence, unknown)


MacroLookup = Callable[[syntax.Macro], "Logic | Problem"]


@dataclass(slots=True)
class Resolved:
    """What a condition means, and what is wrong with it; what is wrong counts as false."""

    logic: Logic = False
    problems: list[Problem] = field(default_factory=list)


def resolve(condition: syntax.Condition, macro: MacroLookup) -> Resolved:
    """Give meaning to a syntax tree. ``macro`` gives a macro's meaning or says why it has none."""
    problems: list[Problem] = []
    checks = 0

    def counted(name: syntax.Macro) -> Logic | Problem:
        nonlocal checks
        found = False if checks > MAX_CHECKS else macro(name)
        checks += 0 if isinstance(found, Problem) else sum(1 for _ in leaves(found))
        return found

    logic = _logic(condition, counted, problems, 0)
    if checks > MAX_CHECKS:
        logic = False
        problems.append(Problem(0, f"with its macros it has more than {MAX_CHECKS} checks"))
    elif depth(logic) > MAX_DEPTH:
        logic = False
        problems.append(Problem(0, f"with its macros it is nested more than {MAX_DEPTH} deep"))
    return Resolved(logic, list(dict.fromkeys(problems)))


def _logic(condition: syntax.Condition, macro: MacroLookup, problems: list[Problem], depth: int) -> Logic:
    if depth > MAX_DEPTH:
        problems.append(Problem(0, f"and, or and not are nested more than {MAX_DEPTH} deep"))
        return False
    try:
        if isinstance(condition, syntax.Check):
            return _check(condition)
        if isinstance(condition, syntax.Macro):
            return _macro(condition, macro)
    except WrongError as wrong:
        problems.append(wrong.problem)
        return False
    if isinstance(condition, syntax.Not):
        return opposite(_logic(condition.term, macro, problems, depth + 1))
    terms = [_logic(term, macro, problems, depth + 1) for term in condition.terms]
    return all_of(terms) if isinstance(condition, syntax.And) else any_of(terms)


def _macro(name: syntax.Macro, macro: MacroLookup) -> Logic:
    found = macro(name)
    if isinstance(found, Problem):
        raise WrongError(found.at, found.sentence, unknown=found.unknown)
    return found


def _check(check: syntax.Check) -> Logic:
    left = value_of(check.left)
    operator = "=" if check.operator == "==" else check.operator
    _permit(left, operator, check)
    if operator == "exists":
        return Is(Comparison(left, "exists"))
    if isinstance(check.right, syntax.Field | syntax.Transformed):
        return _against_value(left, operator, value_of(check.right), check)
    literals = check.right.items if isinstance(check.right, syntax.Several) else (check.right,)
    constants = tuple(
        _constant(left, operator, each) for each in literals if isinstance(each, syntax.Literal)
    )
    if left.values == "list":
        return Is(Comparison(left, operator, constants))
    if operator in ("in", "intersects"):
        operator = "="
    return _combined(left, operator, constants, check.modifier)


def _combined(left: Value, operator: str, constants: tuple[Any, ...], modifier: str | None) -> Logic:
    """Constants joined as a modifier, or a list without one, wants it."""
    if not constants:
        return Is(Comparison(left, operator, ()))
    if modifier == "oneof":
        return Is(Comparison(left, operator, constants, once=True))
    if modifier == "allof":
        return all_of(Is(Comparison(left, operator, (each,))) for each in constants)
    if operator in _EACH:
        return any_of(Is(Comparison(left, operator, (each,))) for each in constants)
    return Is(Comparison(left, operator, tuple(dict.fromkeys(constants))))


# Operators that take one constant at a time; of the others a comparison holds any number.
_EACH = ("!=", "<", "<=", ">", ">=")


def _permit(left: Value, operator: str, check: syntax.Check) -> None:
    permitted = OF_LISTS if left.values == "list" else operators(left.type)
    if operator not in permitted:
        allowed = ", ".join(sorted(permitted))
        sentence = (
            f"{_shown(check.left)} is {_kind(left)} and has no operator '{check.operator}', but {allowed}"
        )
        raise WrongError(check.at, sentence)


def _against_value(left: Value, operator: str, right: Value, check: syntax.Check) -> Logic:
    at = check.right.at if check.right is not None else check.at
    if operator in ("pmatch", "regex"):
        raise WrongError(at, f"'{operator}' takes constants only on its right side")
    for value, node in ((left, check.left), (right, check.right)):
        if isinstance(value, FieldValue) and not value.row.computed:
            raise WrongError(
                node.at if node else at, f"{value.spelled} cannot be compared with another field"
            )
    if (left.type, left.values) != (right.type, right.values):
        kinds = f"is {_kind(left)} and cannot be compared with a value that is {_kind(right)}"
        raise WrongError(at, f"{_shown(check.left)} {kinds}")
    if operator in ("in", "intersects") and left.values != "list":
        operator = "="
    return Is(Comparison(left, operator, right))


def _kind(value: Value) -> str:
    return f"a list of {value.type}" if value.values == "list" else f"of type {value.type}"


def _constant(left: Value, operator: str, literal: syntax.Literal) -> Any:  # noqa: ANN401  # of the field's type
    try:
        value = constant(left.type, operator, literal.text)
        if operator == "regex":
            matching.regex(value)
    except ValueError as error:
        name = left.spelled if isinstance(left, FieldValue) else "this check"
        raise WrongError(literal.at, f"{name}: {error}") from error
    if (
        isinstance(left, FieldValue)
        and left.spelled == "evt.type"
        and operator in ("=", "!=", "in", "intersects")
    ):
        _known_event(literal)
    return value


def _known_event(literal: syntax.Literal) -> None:
    if literal.text not in KNOWN:
        near = suggestion(literal.text, KNOWN)
        raise WrongError(literal.at, f"no event type is named '{literal.text}'{near}", unknown=True)


def value_of(operand: syntax.Operand) -> Value:
    """The typed value that an operand stands for; raises ``WrongError``."""
    if isinstance(operand, syntax.Field):
        return field_value(operand)
    if isinstance(operand, syntax.Literal):
        return Constant(operand.text)
    if isinstance(operand, syntax.Several):
        return Listed(tuple(value_of(item) for item in operand.items))
    return _call(operand)


def field_value(named: syntax.Field) -> FieldValue:
    """The row of the catalogue for a field, with its argument checked."""
    row = FIELDS.get(named.name)
    if row is not None:
        return FieldValue(row, _argument(row, named), str(named))
    prefix, _, rest = named.name.rpartition(".")
    while prefix:
        row = FIELDS.get(prefix)
        if row is not None and row.argument == "required" and not row.index and named.argument is None:
            return FieldValue(row, rest, str(named))
        prefix, _, end = prefix.rpartition(".")
        rest = f"{end}.{rest}"
    near = suggestion(named.name, FIELDS)
    raise WrongError(named.at, f"no field is named '{named.name}'{near}", unknown=True)


def _argument(row: Row, named: syntax.Field) -> str:
    if named.argument is None:
        if row.argument == "required":
            raise WrongError(named.at, f"{row.name} needs an argument: {row.name}[...]")
        return ""
    if row.argument == "none":
        raise WrongError(named.at, f"{row.name} takes no argument")
    if row.index and not (named.argument.isdecimal() and len(named.argument) < 4):
        raise WrongError(named.at, f"{row.name}[...] takes a number, not '{named.argument}'")
    return named.argument


def _call(call: syntax.Transformed) -> Call:
    arguments = tuple(value_of(argument) for argument in call.arguments)
    for value, node in zip(arguments, call.arguments, strict=True):
        for each in value.items if isinstance(value, Listed) else (value,):
            if isinstance(each, FieldValue) and not each.row.computed:
                raise WrongError(node.at, f"{each.spelled} cannot be used in a transformer")
    if call.selector is not None and call.transformer != "getopt":
        raise WrongError(call.at, f"{call.transformer}(...) takes no [{call.selector}]")
    try:
        kind, values = _RESULTS[call.transformer](arguments, call.selector)
    except ValueError as error:
        raise WrongError(call.at, f"{call.transformer}(...) {error}") from error
    return Call(call.transformer, arguments, call.selector, kind, values)


Result = tuple[Type, Values]


def _single(arguments: tuple[Value, ...], *kinds: Type) -> Value:
    if len(arguments) != 1:
        raise ValueError(f"takes one argument, not {len(arguments)}")
    if arguments[0].type not in kinds or isinstance(arguments[0], Listed):
        raise ValueError(f"takes a value of type {' or '.join(kinds)}, not one that is {_kind(arguments[0])}")
    return arguments[0]


def _same(*kinds: Type) -> Callable[[tuple[Value, ...], str | None], Result]:
    def result(arguments: tuple[Value, ...], _selector: str | None) -> Result:
        value = _single(arguments, *kinds)
        return value.type, value.values

    return result


def _length(arguments: tuple[Value, ...], _selector: str | None) -> Result:
    if len(arguments) == 1 and arguments[0].values == "list":
        return "uint64", "one"
    _single(arguments, "string", "bytes")
    return "uint64", "one"


def _join(arguments: tuple[Value, ...], _selector: str | None) -> Result:
    if len(arguments) != 2 or arguments[0].values == "list" or arguments[1].values != "list":
        raise ValueError("takes a separator and a list")
    return "string", "one"


def _concat(arguments: tuple[Value, ...], _selector: str | None) -> Result:
    if len(arguments) < 2 or any(each.type != "string" or each.values == "list" for each in arguments):
        raise ValueError("takes at least two strings")
    return "string", "one"


def _getopt(arguments: tuple[Value, ...], selector: str | None) -> Result:
    if len(arguments) != 2 or arguments[0].values != "list" or arguments[1].values == "list":
        raise ValueError("takes a list of arguments and a string of options")
    if selector is not None and len(selector) != 1:
        raise ValueError(f"takes one letter in [...], not '{selector}'")
    return "string", "list" if selector is None else "one"


_RESULTS: Mapping[str, Callable[[tuple[Value, ...], str | None], Result]] = {
    "tolower": _same("string"),
    "toupper": _same("string"),
    "basename": _same("string"),
    "b64": _same("string", "bytes"),
    "len": _length,
    "join": _join,
    "concat": _concat,
    "getopt": _getopt,
}


def _shown(operand: syntax.Field | syntax.Transformed) -> str:
    return str(operand) if isinstance(operand, syntax.Field) else f"{operand.transformer}(...)"


def field_names(logic: Logic) -> Iterator[str]:
    """Every field that a condition reads, as it was spelled."""
    for comparison in leaves(logic):
        for each in fields_of(comparison):
            yield each.spelled
