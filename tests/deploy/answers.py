"""What Elasticsearch answers to the drawings: hits, and the aggregations ``terms`` and ``max``."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Document = Mapping[str, Any]


def answer(request: Mapping[str, Any], documents: Sequence[Document]) -> dict[str, Any]:
    """The answer when all ``documents`` are asked for; without any there is no index, and no aggregation."""
    newest = sorted(documents, key=lambda document: str(document["@timestamp"]), reverse=True)
    sent = [
        {"_source": _only(document, request.get("_source", []))} for document in newest[: request["size"]]
    ]
    found: dict[str, Any] = {"hits": {"hits": sent}}
    if documents and "aggs" in request:
        found["aggregations"] = _aggregated(request["aggs"], documents)
    return found


def values(document: object, path: str) -> list[Any]:
    """What a field holds, through lists, as an index sees it."""
    if isinstance(document, list):
        return [value for each in document for value in values(each, path)]
    name, _, rest = path.partition(".")
    if not isinstance(document, Mapping) or name not in document:
        return []
    inside = document[name]
    if rest:
        return values(inside, rest)
    return inside if isinstance(inside, list) else [inside]


def _only(document: Document, paths: Iterable[str]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for path in paths:
        *above, last = path.split(".")
        source, target = document, kept
        for name in above:
            source, target = source.get(name, {}), target.setdefault(name, {})
        if last in source:
            target[last] = source[last]
    return {name: value for name, value in kept.items() if value != {}}


def _aggregated(asked: Mapping[str, Any], documents: Sequence[Document]) -> dict[str, Any]:
    return {name: _one(about, documents) for name, about in asked.items()}


def _one(about: Mapping[str, Any], documents: Sequence[Document]) -> dict[str, Any]:
    if "max" in about:
        found = [value for document in documents for value in values(document, about["max"]["field"])]
        return {"value": max(found, default=None)}
    terms = about["terms"]
    buckets: dict[Any, list[Document]] = defaultdict(list)
    for document in documents:
        for value in dict.fromkeys(values(document, terms["field"])):
            buckets[value].append(document)
    ordered = sorted(buckets.items(), key=lambda bucket: (-len(bucket[1]), bucket[0]))
    return {
        "buckets": [
            {"key": key, "doc_count": len(inside), **_aggregated(about.get("aggs", {}), inside)}
            for key, inside in ordered[: terms["size"]]
        ]
    }
