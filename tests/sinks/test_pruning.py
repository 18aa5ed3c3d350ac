"""What is left out of documents, and what is not."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sinks.formats.pruning import pruned

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=2)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=20,
)


def plainly(value: Any) -> Any:  # noqa: ANN401  # JSON
    """The same, as one would say it."""
    if isinstance(value, dict):
        inner = {name: plainly(each) for name, each in value.items()}
        return {name: each for name, each in inner.items() if each not in (None, "", [], {})}
    if isinstance(value, list):
        return [plainly(each) for each in value if each not in (None, "")]
    return value


@given(fields=st.dictionaries(st.text(max_size=2), VALUES, max_size=4))
def test_what_says_nothing_is_left_out_and_nothing_else(fields: dict[str, Any]) -> None:
    """At every depth; nought and false say something."""
    assert pruned(fields) == plainly(fields)
    assert repr(pruned({"a": 0, "b": False, "c": ""})) == "{'a': 0, 'b': False}"
