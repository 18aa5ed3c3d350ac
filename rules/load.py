"""Load rule files: the library of this package, and files written for tracetide, for Falco or for Sigma."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rules.assemble import Assembler, check_macros
from rules.faults import Fault, Place, RuleErrors
from rules.files.collect import collect
from rules.files.collection import Collection
from rules.ruleset import Matching, Rule, RuleSet, rule, ruleset
from rules.sigma.correlation import Correlation
from rules.sigma.outcome import Outcome, Refused
from wire.detection import Priority

LIBRARY = Path(__file__).parent / "library"

_SUFFIXES = (".yaml", ".yml")

# The file of a folder that is read before the others, which use what is in it.
_FIRST = "macros.yaml"


@dataclass(frozen=True, slots=True)
class Loaded:
    """Every rule that can be used, and all that was wrong with the files."""

    rules: tuple[Rule, ...]
    errors: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    correlations: tuple[Correlation, ...] = ()
    refused: tuple[Refused, ...] = ()


def load(
    paths: Sequence[Path],
    *,
    library: bool = True,
    minimum: Priority = "Debug",
    matching: Matching = "all",
) -> RuleSet:
    """The rules of the files, on top of the library's; a folder stands for the ``.yaml`` files in it,
    ``macros.yaml`` first.

    Raises:
        RuleErrors: with everything that is wrong in them.
    """
    return compiled(read(paths, library=library), minimum=minimum, matching=matching)


def load_texts(
    texts: Iterable[tuple[str, str]], *, minimum: Priority = "Debug", matching: Matching = "all"
) -> RuleSet:
    """The rules of texts, each with the name that messages call it by; no file is read."""
    return compiled(understood(list(texts), []), minimum=minimum, matching=matching)


def read_texts(texts: Iterable[tuple[str, str]]) -> tuple[Rule, ...]:
    """The rules of texts, without functions that ask them of events; raises ``RuleErrors``."""
    loaded = understood(list(texts), [])
    if loaded.errors:
        raise RuleErrors(loaded.errors)
    return loaded.rules


def compiled(loaded: Loaded, *, minimum: Priority = "Debug", matching: Matching = "all") -> RuleSet:
    """The functions for loaded rules; raises ``RuleErrors`` if anything was wrong."""
    if loaded.errors:
        raise RuleErrors(loaded.errors)
    notices = [warning for warning in loaded.warnings if warning.kind == "notice"]
    return ruleset(loaded.rules, notices, minimum, matching, loaded.correlations)


def read(paths: Sequence[Path], *, library: bool = True) -> Loaded:
    """Everything in the files, whatever is wrong with them."""
    texts: list[tuple[str, str]] = []
    errors: list[Fault] = []
    for path in files([*([LIBRARY] if library else ()), *paths]):
        name = f"library/{path.relative_to(LIBRARY)}" if path.is_relative_to(LIBRARY) else str(path)
        try:
            texts.append((name, path.read_text(encoding="utf-8")))
        except OSError as error:
            errors.append(Fault(Place(name, 1, 1), "", f"cannot be read: {error.strerror}"))
        except UnicodeDecodeError as error:
            errors.append(Fault(Place(name, 1, 1), "", f"is not UTF-8 at byte {error.start}"))
    return understood(texts, errors)


def understood(texts: Iterable[tuple[str, str]], errors: list[Fault]) -> Loaded:
    """What texts amount to, one after the other."""
    collection = Collection(errors=errors)
    for name, text in texts:
        collect(collection, text, name)
        collection.errors += check_macros(collection)
    assembler = Assembler(collection)
    assembled = list(assembler.rules())
    assembler.unused(assembled)
    sigma = _sigma(collection, [each.definition.name for each in assembled])
    order = {name: number for number, (name, _) in enumerate(texts)}

    def place(fault: Fault) -> tuple[int, int, int]:
        return order.get(fault.place.file, -1), fault.place.line, fault.place.column

    return Loaded(
        rules=(*map(rule, assembled), *sigma.rules),
        errors=_ordered([*collection.errors, *assembler.errors, *sigma.errors], place),
        warnings=_ordered([*collection.warnings, *assembler.warnings, *sigma.warnings], place),
        correlations=tuple(sigma.correlations),
        refused=tuple(sigma.refused),
    )


def _ordered(faults: Iterable[Fault], place: Callable[[Fault], tuple[int, int, int]]) -> tuple[Fault, ...]:
    return tuple(sorted(dict.fromkeys(faults), key=place))


def _sigma(collection: Collection, names: Sequence[str]) -> Outcome:
    """What the documents that are written for Sigma amount to, on top of rules of these names."""
    if not collection.sigma:
        return Outcome()
    from rules.sigma.load import load as load_sigma  # noqa: PLC0415  # pySigma is read in only if needed

    return load_sigma(collection.sigma, names)


def files(paths: Iterable[Path]) -> list[Path]:
    """The rule files that paths stand for. What is hidden in a folder is none: editors keep copies there."""
    return list(_files(paths))


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            inside = {
                each: each.relative_to(path).parts for each in path.rglob("*") if each.suffix in _SUFFIXES
            }
            seen = (each for each, parts in inside.items() if not any(part.startswith(".") for part in parts))
            yield from sorted(seen, key=lambda each: (each != path / _FIRST, each))
        else:
            yield path
