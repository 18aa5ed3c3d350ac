"""From the text of a condition to its syntax tree.

The logical structure is kept on a stack of its own, so that no depth of parentheses can exhaust
Python's; everything inside a check is read by ordinary functions.
"""

from dataclasses import dataclass, field

from rules.language import lexicon
from rules.language.cursor import Cursor
from rules.language.syntax import (
    And,
    Check,
    Condition,
    Field,
    Literal,
    Macro,
    Not,
    Operand,
    Or,
    Several,
    Transformed,
)

MAX_PARENTHESES = 500
MAX_TRANSFORMERS = 50


def parse(text: str) -> Condition:
    """The syntax tree of a condition whose lists have been replaced already.

    Raises:
        ConditionError: at the first place that does not follow the grammar.
    """
    return _condition(Cursor(text))


def parse_value(text: str) -> tuple[Operand, int]:
    """The field or the transformer that ``text`` begins with, and how many characters it takes.

    Raises:
        ConditionError: it begins with neither.
    """
    cursor = Cursor(text)
    value = _transformed(cursor) or _field(cursor)
    return value or cursor.fail("expected a field or a transformer"), cursor.at


@dataclass(slots=True)
class _Level:
    """What has been read since an opening parenthesis: alternatives, and the factors of the last one."""

    at: int
    negated: bool = False
    alternatives: list[list[Condition]] = field(default_factory=lambda: [[]])

    def add(self, term: Condition) -> None:
        self.alternatives[-1].append(term)

    def close(self) -> Condition:
        terms = tuple(_joined(And, tuple(factors)) for factors in self.alternatives)
        whole = _joined(Or, terms)
        return _not(whole) if self.negated else whole


def _joined(kind: type[And | Or], terms: tuple[Condition, ...]) -> Condition:
    """One node for nested nodes of the same kind; no node around a single term."""
    if len(terms) == 1:
        return terms[0]
    flat: list[Condition] = []
    for term in terms:
        flat += term.terms if isinstance(term, kind) else (term,)
    return kind(tuple(flat))


def _not(term: Condition) -> Condition:
    return term.term if isinstance(term, Not) else Not(term)


def _condition(cursor: Cursor) -> Condition:
    levels = [_Level(0)]
    while True:
        _operand(cursor, levels)
        if not _operator(cursor, levels):
            return levels[0].close()


def _operand(cursor: Cursor, levels: list[_Level]) -> None:
    """Read ``not``s and parentheses up to and including the next check."""
    while True:
        cursor.blank()
        negated = False
        while cursor.take(lexicon.NOT):
            negated = not negated
        if cursor.skip("not("):
            negated = not negated
        elif not cursor.skip("("):
            check = _check(cursor)
            levels[-1].add(_not(check) if negated else check)
            return
        if len(levels) > MAX_PARENTHESES:
            cursor.fail(f"parentheses are nested more than {MAX_PARENTHESES} deep")
        levels.append(_Level(cursor.at - 1, negated))


def _operator(cursor: Cursor, levels: list[_Level]) -> bool:
    """Read closing parentheses up to ``and`` or ``or``; false at the end of the text."""
    while True:
        cursor.blank()
        if cursor.at == len(cursor.text):
            if len(levels) > 1:
                cursor.fail("expected ')' for this '('", levels[-1].at)
            return False
        if cursor.skip(")"):
            if len(levels) == 1:
                cursor.fail("this ')' closes nothing", cursor.at - 1)
            term = levels.pop().close()
            levels[-1].add(term)
            continue
        for word in ("and", "or"):
            if cursor.skip(word):
                _end_of_word(cursor, word)
                if word == "or":
                    levels[-1].alternatives.append([])
                return True
        cursor.fail("expected 'and', 'or' or the end of the condition")


def _end_of_word(cursor: Cursor, word: str) -> None:
    if not cursor.blank() and not cursor.sees("("):
        cursor.fail(f"expected a blank or '(' after '{word}'")


def _check(cursor: Cursor) -> Condition:
    at = cursor.at
    left = _field(cursor) or _transformed(cursor)
    if left is not None:
        return _comparison(cursor, left, at)
    name = cursor.take(lexicon.IDENTIFIER)
    if name is not None and name not in ("and", "or", "not"):
        return Macro(name, at)
    return cursor.fail("expected '(', a field, a transformer or the name of a macro", at)


def _comparison(cursor: Cursor, left: Field | Transformed, at: int) -> Check:
    cursor.blank()
    if cursor.skip("exists"):
        return Check(left, "exists", at=at)
    operator = cursor.skip_any(lexicon.NUMBER_OPERATORS)
    if operator:
        return Check(left, operator, _number(cursor), at=at)
    operator = cursor.skip_any(lexicon.SIGN_OPERATORS) or _word_operator(cursor)
    if operator:
        modifier, right = _modified(cursor)
        return Check(left, operator, right, modifier, at=at)
    operator = cursor.skip_any(lexicon.LIST_OPERATORS)
    if operator:
        return Check(left, operator, _list(cursor), at=at)
    return cursor.fail(f"expected an operator after '{_shown(left)}': {', '.join(lexicon.OPERATORS)}")


def _word_operator(cursor: Cursor) -> str | None:
    match = lexicon.WORD_OPERATOR.match(cursor.text, cursor.at)
    if match is None:
        return None
    cursor.at = match.end(1)
    return match[1]


def _number(cursor: Cursor) -> Operand:
    cursor.blank()
    at = cursor.at
    right = _other_field(cursor)
    if right is not None:
        return right
    number = cursor.take(lexicon.HEX_NUMBER) or cursor.take(lexicon.NUMBER)
    if number is None:
        cursor.fail("expected a number, a transformer or val(FIELD)")
    return Literal(number, at)


def _modified(cursor: Cursor) -> tuple[str | None, Operand]:
    cursor.blank()
    match = lexicon.MODIFIER.match(cursor.text, cursor.at)
    if match is None:
        return None, _string(cursor)
    cursor.at = match.end()
    cursor.blank()
    if cursor.sees("("):
        return match[1], _values(cursor)
    at = cursor.at
    return match[1], Several((Literal(cursor.take(lexicon.IDENTIFIER) or "", at),), at)


def _string(cursor: Cursor) -> Operand:
    at = cursor.at
    right = _other_field(cursor)
    if right is not None:
        return right
    value = cursor.constant()
    if value is None:
        cursor.fail("expected a string, a transformer or val(FIELD)", at)
    return value


def _list(cursor: Cursor) -> Operand:
    cursor.blank()
    at = cursor.at
    if cursor.sees("("):
        return _values(cursor)
    right = _other_field(cursor)
    if right is not None:
        return right
    name = cursor.take(lexicon.IDENTIFIER)
    if name is None:
        cursor.fail("expected values in parentheses, the name of a list, a transformer or val(FIELD)")
    return Several((Literal(name, at),), at)


def _values(cursor: Cursor) -> Several:
    at = cursor.at
    cursor.skip("(")
    cursor.blank()
    values: list[Operand] = []
    first = cursor.constant()
    if first is not None:
        values.append(first)
        cursor.blank()
        while cursor.skip(","):
            cursor.blank()
            value = cursor.constant()
            if value is None:
                cursor.fail("expected a string after ','")
            values.append(value)
            cursor.blank()
    if not cursor.skip(")"):
        cursor.fail("expected ',' or ')' in a list of values")
    return Several(tuple(values), at)


def _other_field(cursor: Cursor) -> Field | Transformed | None:
    """A right side that is not a constant: ``val(field)`` or a transformer."""
    at = cursor.at
    if not cursor.skip(f"{lexicon.VALUE_OF}("):
        return _transformed(cursor)
    cursor.blank()
    other = _field(cursor)
    if other is None:
        cursor.fail("expected a field in val(...)")
    _closing(cursor, lexicon.VALUE_OF)
    return Field(other.name, other.argument, at)


def _transformed(cursor: Cursor, depth: int = 0) -> Transformed | None:
    at = cursor.at
    match = lexicon.TRANSFORMER.match(cursor.text, at)
    if match is None:
        return None
    if depth > MAX_TRANSFORMERS:
        cursor.fail(f"transformers are nested more than {MAX_TRANSFORMERS} deep")
    cursor.at = match.end()
    arguments = [_argument(cursor, depth, match[1])]
    while cursor.skip(","):
        arguments.append(_argument(cursor, depth, match[1]))
    _closing(cursor, match[1])
    return Transformed(match[1], tuple(arguments), _selector(cursor), at)


def _argument(cursor: Cursor, depth: int, transformer: str, *, listed: bool = False) -> Operand:
    cursor.blank()
    at = cursor.at
    operand: Operand | None = _transformed(cursor, depth + 1) or _field(cursor)
    if operand is None:
        text = cursor.take(lexicon.HEX_NUMBER) or cursor.take(lexicon.NUMBER)
        text = cursor.quoted() if text is None else text
        operand = None if text is None else Literal(text, at)
    if operand is None and not listed and cursor.skip("("):
        operand = _arguments(cursor, depth, transformer, at)
    if operand is None:
        cursor.fail(f"expected a field, a transformer, a string in quotes or a number in {transformer}(...)")
    cursor.blank()
    return operand


def _arguments(cursor: Cursor, depth: int, transformer: str, at: int) -> Several:
    cursor.blank()
    if cursor.skip(")"):
        return Several((), at)
    items = [_argument(cursor, depth, transformer, listed=True)]
    while cursor.skip(","):
        items.append(_argument(cursor, depth, transformer, listed=True))
    _closing(cursor, transformer)
    return Several(tuple(items), at)


def _closing(cursor: Cursor, name: str) -> None:
    cursor.blank()
    if not cursor.skip(")"):
        cursor.fail(f"expected ')' to close {name}(")


def _field(cursor: Cursor) -> Field | None:
    at = cursor.at
    name = cursor.take(lexicon.FIELD)
    return None if name is None else Field(name, _selector(cursor), at)


def _selector(cursor: Cursor) -> str | None:
    if not cursor.skip("["):
        return None
    argument = cursor.quoted()
    if argument is None:
        argument = cursor.take(lexicon.ARGUMENT)
    if argument is None:
        cursor.fail("expected an argument after '[': a string with or without quotes")
    if not cursor.skip("]"):
        cursor.fail("expected ']'")
    return argument


def _shown(operand: Field | Transformed) -> str:
    return str(operand) if isinstance(operand, Field) else f"{operand.transformer}(...)"
