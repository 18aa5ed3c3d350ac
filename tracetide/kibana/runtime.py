"""Fields that Kibana computes from others when a panel asks for them: no alert carries them.

An index in which no alert has had a field yet does not know it, hence the question whether it does.
"""

from collections.abc import Mapping
from typing import Any

DELIVERY = "tracetide.delivery_time"
PARENT_AND_CHILD = "tracetide.parent_and_child"

_BOTH = (
    "if (doc.containsKey('{0}') && doc.containsKey('{1}') && doc['{0}'].size() > 0 && doc['{1}'].size() > 0)"
)


def _of_both(first: str, second: str, emitted: str) -> str:
    return f"{_BOTH.format(first, second)} {{ emit({emitted}); }}"


RUNTIME: Mapping[str, Mapping[str, Any]] = {
    DELIVERY: {
        "type": "long",
        "script": {
            "source": _of_both(
                "@timestamp",
                "event.ingested",
                "doc['event.ingested'].value.toInstant().toEpochMilli()"
                " - doc['@timestamp'].value.toInstant().toEpochMilli()",
            )
        },
    },
    PARENT_AND_CHILD: {
        "type": "keyword",
        "script": {
            "source": _of_both(
                "process.parent.name",
                "process.name",
                "doc['process.parent.name'].value + ' > ' + doc['process.name'].value",
            )
        },
    },
}

FORMATS: Mapping[str, Mapping[str, Any]] = {
    DELIVERY: {
        "id": "duration",
        "params": {
            "inputFormat": "milliseconds",
            "outputFormat": "humanizePrecise",
            "outputPrecision": 1,
            "useShortSuffix": True,
            "includeSpaceWithSuffix": True,
        },
    },
}
