"""Exceptions become text of the condition: it holds, and not what any of them says."""

from collections.abc import Sequence

from rules.files.definitions import Entry, Exclusion
from rules.files.read import ItemError
from rules.language.lexicon import LIST_OPERATORS, MODIFIERS, OPERATORS, SIGN_OPERATORS, WORD_OPERATORS
from rules.language.lists import quoted


def check(exclusion: Exclusion, *, default: bool = True) -> None:
    """Say what is wrong with an exception; fills in what it compares by, if ``default``."""
    if exclusion.fields is None:
        raise ItemError(exclusion.place, f"exception '{exclusion.name}' needs fields")
    single = isinstance(exclusion.fields, str)
    if exclusion.comparisons is None:
        if not default:
            raise ItemError(
                exclusion.place, f"exception '{exclusion.name}' needs comps: they replace the earlier ones"
            )
        exclusion.comparisons = "in" if single else ("=",) * len(exclusion.fields)
    if single:
        _check_single(exclusion)
    elif isinstance(exclusion.comparisons, str) or len(exclusion.comparisons) != len(exclusion.fields):
        raise ItemError(exclusion.place, f"exception '{exclusion.name}' needs as many comps as fields")
    else:
        for each in exclusion.comparisons:
            if not isinstance(each, str) or not _known(each):
                raise ItemError(
                    exclusion.place, f"exception '{exclusion.name}': no operator is named '{each}'"
                )


def _check_single(exclusion: Exclusion) -> None:
    comparison = exclusion.comparisons
    if not isinstance(comparison, str):
        raise ItemError(exclusion.place, f"exception '{exclusion.name}' has one field and needs one comps")
    if comparison not in LIST_OPERATORS and comparison.split()[-1:] not in [[each] for each in MODIFIERS]:
        allowed = ", ".join(LIST_OPERATORS)
        raise ItemError(
            exclusion.place,
            f"exception '{exclusion.name}' has one field; its comps must be {allowed}, or an operator with"
            f" {', '.join(MODIFIERS)}, not '{comparison}'",
        )


def _known(operator: str) -> bool:
    word, _, modifier = operator.partition(" ")
    if modifier.strip():
        return word in (*SIGN_OPERATORS, *WORD_OPERATORS) and modifier.strip() in MODIFIERS
    return operator in OPERATORS


def excluded(condition: str, exclusions: Sequence[Exclusion]) -> str:
    """The condition with its exceptions; those without values change nothing."""
    if not exclusions:
        return condition
    texts = [text for exclusion in exclusions if (text := _text(exclusion))]
    return " and not ".join([f"({condition})", *texts])


def _text(exclusion: Exclusion) -> str:
    if isinstance(exclusion.fields, str):
        values = ", ".join(_single_value(exclusion, value) for value in exclusion.values)
        return f"({exclusion.fields} {exclusion.comparisons} ({values}))" if exclusion.values else ""
    alternatives = " or ".join(_alternative(exclusion, value) for value in exclusion.values)
    return f"({alternatives})" if alternatives else ""


def _single_value(exclusion: Exclusion, value: Entry) -> str:
    if not isinstance(value, str):
        raise ItemError(
            exclusion.place, f"exception '{exclusion.name}' has one field; its values must be plain texts"
        )
    return quoted(value)


def _alternative(exclusion: Exclusion, values: Entry) -> str:
    fields, comparisons = exclusion.fields or (), exclusion.comparisons or ()
    if isinstance(values, str) or len(values) != len(fields):
        raise ItemError(
            exclusion.place, f"exception '{exclusion.name}' needs as many values as fields in each entry"
        )
    tests = [
        f"{field} {comparison} {_value(str(comparison), value)}"
        for field, comparison, value in zip(fields, comparisons, values, strict=True)
    ]
    return f"({' and '.join(tests)})"


def _value(comparison: str, value: Entry) -> str:
    if not isinstance(value, str):
        return f"({', '.join(quoted(str(each)) for each in value)})"
    if comparison in LIST_OPERATORS:
        return value if value.startswith("(") else f"({value})"
    return quoted(value)
