"""Bytes as rule files: every one is read to the end, with errors at most."""

import sys

import atheris

with atheris.instrument_imports(include=["rules"]):
    import rules
    from rules.load import understood


def judge(data: bytes) -> None:
    """Raises whatever must not happen."""
    loaded = understood([("fuzz.yaml", data.decode("utf-8", "replace"))], [])
    for rule in loaded.rules:
        if not loaded.errors and rule.event_types:
            rules.evaluate_rule(rule, {"evt.type": min(rule.event_types)})


if __name__ == "__main__":
    atheris.Setup(sys.argv, judge)
    atheris.Fuzz()
