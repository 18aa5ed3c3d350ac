"""Python source for single comparisons.

The rule that shapes it: a comparison with a missing value is false. Where Python says so by itself
(``None == "x"``), nothing is added; elsewhere the value is looked at first.
"""

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rules.catalogue.row import Code
from rules.compiler import containers, matching, patterns, transformers, values
from rules.compiler.binding import Binding
from rules.compiler.comparison import Call, Comparison, Constant, FieldValue, Listed, Value

# What generated source can name.
NAMES: Mapping[str, Any] = {
    name: thing
    for module in (values, containers, transformers, matching, patterns)
    for name, thing in vars(module).items()
    if callable(thing) and getattr(thing, "__module__", "").startswith("rules.compiler")
}

# A value and the operator by which it is compared with patterns: ``like``, ``ilike`` in any case of letters.
Sought = tuple[Value, str]
PATTERNS = ("like", "ilike")

_MISSING = Code("None")
_TRANSFORMERS = {"len": "length"}


@dataclass(slots=True)
class Writer:
    """Writes comparisons for one function. ``constants`` names, by its source, what is made only once.

    ``patterns`` are all that the function looks for in a value, so that one search can find them;
    ``found`` are the local variables that hold what was found.
    """

    binding: Binding
    constants: dict[str, str] = field(default_factory=dict)
    patterns: dict[Sought, tuple[str, ...]] = field(default_factory=dict)
    found: dict[Sought, str] = field(default_factory=dict)

    def comparison(self, comparison: Comparison, *, negated: bool = False) -> str:
        """An expression that is true when the comparison holds, or when it does not."""
        if comparison.right == () and comparison.left.values != "list":
            text = "False"  # none of no constants matches, whatever the operator
        else:
            text = self._many(comparison) if comparison.once else self._holds(comparison)
        if text in ("True", "False"):
            return str((text == "True") != negated)
        return _negated(text) if negated else text

    def value(self, value: Value) -> Code:
        """The source of a value."""
        if isinstance(value, FieldValue):
            return self.binding(value) or _MISSING
        if isinstance(value, Constant):
            return Code(repr(value.text), sure=True)
        if isinstance(value, Listed):
            return Code(f"listed({', '.join(self.value(item).text for item in value.items)})")
        return self._call(value)

    def _call(self, call: Call) -> Code:
        arguments = [self.value(argument).text for argument in call.arguments]
        name = _TRANSFORMERS.get(call.transformer, call.transformer)
        if call.selector is not None:
            name, arguments = "getopt_value", [*arguments, repr(call.selector)]
        return Code(f"{name}({', '.join(arguments)})", costly=True)

    def _many(self, comparison: Comparison) -> str:
        """Exactly one of the constants."""
        constants = comparison.right if isinstance(comparison.right, tuple) else ()
        single = [replace(comparison, right=(each,), once=False) for each in constants]
        return f"(sum(map(bool, ({', '.join(map(self._holds, single))},))) == 1)"

    def _holds(self, comparison: Comparison) -> str:
        code = self.value(comparison.left)
        rewritten = self._rewritten(comparison, code)
        if rewritten is not None:
            return rewritten
        if comparison.left.values in ("either", "some"):
            return self._any_of_several(comparison, code)
        if comparison.left.values == "list":
            return self._of_list(comparison, code)
        return self._of_one(comparison, code)

    def _rewritten(self, comparison: Comparison, code: Code) -> str | None:
        """What the field itself knows to be cheaper; ``{set}`` in it stands for the set of the constants."""
        constants = comparison.right
        if code.rewrite is None or not isinstance(constants, tuple):
            return None
        text = code.rewrite(comparison.operator, constants)
        return text.replace("{set}", self.named_set(constants)) if text and "{set}" in text else text

    def _of_one(self, comparison: Comparison, code: Code) -> str:
        if code.text == "None":
            return "False"
        if comparison.operator == "exists":
            return "True" if code.sure else f"{code.text} is not None"
        if isinstance(comparison.right, tuple):
            return self._constant_folded(comparison, code, comparison.right)
        return self._of_value(comparison, code)

    def _any_of_several(self, comparison: Comparison, code: Code) -> str:
        differs = comparison.operator == "!=" and comparison.left.values == "either"
        if code.ends:
            known = " or ".join(f"{end} is not None" for end in code.ends)
            if comparison.operator == "exists":
                return f"({known})"
            equal = replace(comparison, operator="=") if differs else comparison
            tests = " or ".join(self._single(equal, Code(end)) for end in code.ends)
            return f"(({known}) and not ({tests}))" if differs else f"({tests})"
        if not code.text or code.text == "None":
            return "False"
        if comparison.operator == "exists":
            return f"some({code.text}, lambda v: True)"
        each = self._single(comparison, Code("v", sure=True))
        return f"{'every' if differs else 'some'}({code.text}, lambda v: {each})"

    def _single(self, comparison: Comparison, code: Code) -> str:
        constants = comparison.right
        return self._with_constants(comparison, code, constants if isinstance(constants, tuple) else ())

    def _of_list(self, comparison: Comparison, code: Code) -> str:
        right = comparison.right
        if code.text == "None":
            return "False"
        known = f"(w := {code.text}) is not None"
        if comparison.operator == "exists":
            return f"({known})"
        if right is None or isinstance(right, tuple):
            wanted = self.named_set(right or ())
        else:
            wanted = "frozenset(v)"
            known = f"(v := {self.value(right).text}) is not None and {known}"
        test = f"{wanted}.issuperset(w)" if comparison.operator == "in" else f"not {wanted}.isdisjoint(w)"
        return f"({known} and {test})"

    def _of_value(self, comparison: Comparison, code: Code) -> str:
        """Against another field: both must be known."""
        right = self.value(comparison.right)  # type: ignore[arg-type]  # it is no tuple and not None here
        if right.text == "None":
            return "False"
        test = _BETWEEN[comparison.operator]("v", "w")
        return f"((v := {code.text}) is not None and (w := {right.text}) is not None and {test})"

    def _constant_folded(self, comparison: Comparison, code: Code, constants: tuple[Any, ...]) -> str:
        text = self._with_constants(comparison, code, constants)
        return str(bool(self._evaluated(text))) if _is_literal(code.text) else text

    def _evaluated(self, text: str) -> Any:  # noqa: ANN401  # a comparison of two constants
        names = {
            name: eval(source, dict(NAMES))  # noqa: S307  # our own source
            for source, name in self.constants.items()
            if name in text
        }
        return eval(text, {**NAMES, **names})  # noqa: S307  # the same

    def _with_constants(self, comparison: Comparison, code: Code, constants: tuple[Any, ...]) -> str:
        if comparison.operator in PATTERNS:
            return self._among_found(comparison, code, constants)
        write = (
            _WRITERS.get(comparison.left.type, {}).get(comparison.operator)
            or _WRITERS[""][comparison.operator]
        )
        return write(self, code, constants)

    def _among_found(self, comparison: Comparison, code: Code, constants: tuple[str, ...]) -> str:
        sought = (comparison.left, comparison.operator)
        found = self.found.get(sought) or self.search(sought, code, constants)
        if len(constants) == 1:
            return f"{constants[0]!r} in {found}"
        return f"not {found}.isdisjoint({self.named_set(constants)})"

    def search(self, sought: Sought, code: Code, constants: tuple[str, ...] = ()) -> str:
        """The source that gives all patterns that a value matches, of those that the function looks for."""
        listed = ",\n    ".join(map(repr, self.patterns.get(sought, constants)))
        folding = "" if sought[1] == "ilike" else ",\n    fold=False"
        return f"{self.made(f'found({listed}{folding})', 'FOUND')}({code.text})"

    def set_of(self, constants: tuple[Any, ...]) -> str:
        """A set of constants: Python makes a small one once by itself, a big one gets a name."""
        if len(constants) <= _INLINE:
            return f"{{{', '.join(map(repr, constants))}}}"
        return self.named_set(constants)

    def named_set(self, constants: tuple[Any, ...]) -> str:
        """A set of constants that has a name."""
        return self.made(f"frozenset([{', '.join(map(repr, constants))}])", "SET")

    def made(self, source: str, prefix: str) -> str:
        """The name of something that is made once, when the function is."""
        return self.constants.setdefault(source, f"{prefix}_{len(self.constants) + 1}")


_INLINE = 8


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return False
    return True


# What is not in parentheses here is one comparison: ``and`` and ``or`` are never written without.
_OPPOSITE = {"==": "!=", "in": "not in", "is not": "is"}
_TURNABLE = re.compile(r"([\w.]+|'[^']*') (==|in|is not) (.+)")


def _negated(text: str) -> str:
    if text.startswith("not "):
        return text.removeprefix("not ")
    match = _TURNABLE.fullmatch(text)
    return f"not {text}" if match is None else f"{match[1]} {_OPPOSITE[match[2]]} {match[3]}"


Write = Callable[[Writer, Code, tuple[Any, ...]], str]


def _known(code: Code, test: Callable[[str], str]) -> str:
    """A test that must not see a missing value."""
    if code.sure:
        return test(code.text)
    if code.costly:
        return f"((w := {code.text}) is not None and {test('w')})"
    return f"({code.text} is not None and {test(code.text)})"


def _equal(writer: Writer, code: Code, constants: tuple[Any, ...]) -> str:
    if len(constants) == 1:
        return f"{code.text} == {constants[0]!r}"
    return f"{code.text} in {writer.set_of(constants)}"


def _different(_writer: Writer, code: Code, constants: tuple[Any, ...]) -> str:
    return _known(code, lambda text: f"{text} != {constants[0]!r}")


def _ordered(operator: str) -> Write:
    def write(_writer: Writer, code: Code, constants: tuple[Any, ...]) -> str:
        return _known(code, lambda text: f"{text} {operator} {constants[0]!r}")

    return write


def _text(code: Code, constants: tuple[Any, ...], test: Callable[[str], str]) -> str:
    """A test that no empty text passes may see one in place of a missing value."""
    if code.sure:
        return test(code.text)
    if all(constants) and isinstance(constants[0], str):
        return test(f"({code.text} or '')")
    return _known(code, test)


def _contains(_writer: Writer, code: Code, constants: tuple[Any, ...]) -> str:
    if len(constants) == 1:
        return _text(code, constants, lambda text: f"{constants[0]!r} in {text}")
    tests = " or ".join(f"{each!r} in w" for each in constants)
    return f"((w := {code.text}) is not None and ({tests}))"


def _icontains(_writer: Writer, code: Code, constants: tuple[Any, ...]) -> str:
    folded = [transformers.folded(each) for each in constants]
    if len(folded) == 1:
        return _text(code, constants, lambda text: f"icontains({text}, {folded[0]!r})")
    tests = " or ".join(f"icontains(w, {each!r})" for each in folded)
    return f"((w := {code.text}) is not None and ({tests}))"


def _method(name: str) -> Write:
    def write(_writer: Writer, code: Code, constants: tuple[Any, ...]) -> str:
        wanted = repr(constants[0]) if len(constants) == 1 else repr(constants)
        return _text(code, constants, lambda text: f"{text}.{name}({wanted})")

    return write


def _pattern(maker: str, prefix: str, details: str = "") -> Write:
    def write(writer: Writer, code: Code, constants: tuple[Any, ...]) -> str:
        names = [writer.made(f"{maker}({each!r}{details})", prefix) for each in constants]
        return _known(replace(code, costly=len(names) > 1 or code.costly), lambda text: _or(names, text))

    return write


def _glob(writer: Writer, code: Code, constants: tuple[Any, ...]) -> str:
    """What is fixed of a pattern is looked for first: hardly any text has it that does not match."""

    def test(text: str) -> str:
        tests = [_single_glob(writer, text, each) for each in constants]
        return tests[0] if len(tests) == 1 else f"({' or '.join(tests)})"

    return _known(replace(code, costly=True), test) if not code.sure else test(code.text)


def _single_glob(writer: Writer, text: str, pattern: str) -> str:
    begin, *between = matching.literals(pattern)
    end = between.pop() if between else ""
    tests = [f"{text}.startswith({begin!r})"] if begin else []
    tests += [f"{text}.endswith({end!r})"] if end else []
    tests += [f"{literal!r} in {text}" for literal in sorted(between, key=len)[-1:] if literal]
    tests.append(f"{writer.made(f'glob({pattern!r})', 'GLOB')}({text})")
    return f"({' and '.join(tests)})" if len(tests) > 1 else tests[0]


def _or(names: list[str], text: str) -> str:
    tests = [f"{name}({text})" for name in names]
    return tests[0] if len(tests) == 1 else f"({' or '.join(tests)})"


def _below(writer: Writer, code: Code, constants: tuple[Any, ...]) -> str:
    name = writer.made(f"path_prefix({', '.join(map(repr, constants))})", "BELOW")
    return _known(code, lambda text: f"{name}({text})")


def _in_network(writer: Writer, code: Code, constants: tuple[Any, ...]) -> str:
    name = writer.made(f"network({', '.join(map(repr, constants))})", "NETWORK")
    return _known(code, lambda text: f"{name}({text})")


def _outside_network(writer: Writer, code: Code, constants: tuple[Any, ...]) -> str:
    name = writer.made(f"network({', '.join(map(repr, constants))})", "NETWORK")
    return _known(code, lambda text: f"not {name}({text})")


def _is(_writer: Writer, code: Code, constants: tuple[Any, ...]) -> str:
    if len(set(constants)) > 1:
        return "True" if code.sure else f"{code.text} is not None"
    if constants[0]:
        return code.text
    return f"not {code.text}" if code.sure else f"{code.text} is False"


def _is_not(writer: Writer, code: Code, constants: tuple[Any, ...]) -> str:
    return _is(writer, code, (not constants[0],))


_WRITERS: Mapping[str, Mapping[str, Write]] = {
    "": {
        "=": _equal,
        "!=": _different,
        "<": _ordered("<"),
        "<=": _ordered("<="),
        ">": _ordered(">"),
        ">=": _ordered(">="),
        "contains": _contains,
        "bcontains": _contains,
        "icontains": _icontains,
        "startswith": _method("startswith"),
        "bstartswith": _method("startswith"),
        "endswith": _method("endswith"),
        "glob": _glob,
        "iglob": _pattern("glob", "GLOB", ", fold=True"),
        "regex": _pattern("regex", "REGEX"),
        "search": _pattern("search", "SEARCH"),
        "pmatch": _below,
    },
    "net": {"=": _in_network, "!=": _outside_network},
    "bool": {"=": _is, "!=": _is_not},
}

_BETWEEN: Mapping[str, Callable[[str, str], str]] = {
    "=": lambda left, right: f"{left} == {right}",
    "!=": lambda left, right: f"{left} != {right}",
    "<": lambda left, right: f"{left} < {right}",
    "<=": lambda left, right: f"{left} <= {right}",
    ">": lambda left, right: f"{left} > {right}",
    ">=": lambda left, right: f"{left} >= {right}",
    "contains": lambda left, right: f"{right} in {left}",
    "bcontains": lambda left, right: f"{right} in {left}",
    "icontains": lambda left, right: f"icontains({left}, folded({right}))",
    "startswith": lambda left, right: f"{left}.startswith({right})",
    "bstartswith": lambda left, right: f"{left}.startswith({right})",
    "endswith": lambda left, right: f"{left}.endswith({right})",
    "glob": lambda left, right: f"glob({right})({left})",
    "iglob": lambda left, right: f"glob({right}, fold=True)({left})",
}
