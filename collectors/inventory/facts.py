"""What several sources write alike: times, labels that the kubelet puts on containers, check commands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from wire.inventory import Pod

_TIME = re.compile(r"^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)")

# One of these is as long as the whole manifest of the pod.
_LARGEST_ANNOTATION = 1024


def nanoseconds(text: object) -> int | None:
    """A time as runtimes and the cluster write it, or ``None``; the year 1 is Go's "never"."""
    match = _TIME.match(text) if isinstance(text, str) else None
    if not match or match[1].startswith("0001"):
        return None
    moment = datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00"))
    seconds = round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    return seconds * 10**9 + int((match[2] or "0")[:9].ljust(9, "0"))


def pod_of(labels: Mapping[str, str] | None) -> Pod | None:
    """The pod, from the labels that the kubelet puts on each container of it."""
    if not labels or "io.kubernetes.pod.uid" not in labels:
        return None
    return Pod(
        uid=labels["io.kubernetes.pod.uid"],
        name=labels.get("io.kubernetes.pod.name"),
        namespace=labels.get("io.kubernetes.pod.namespace"),
        sandbox=labels.get("io.kubernetes.sandbox.id"),
    )


def short(annotations: Mapping[str, str] | None) -> dict[str, str] | None:
    """Annotations without those that are documents."""
    if annotations is None:
        return None
    return {name: value for name, value in annotations.items() if len(value) <= _LARGEST_ANNOTATION}


def command(test: Sequence[str] | None) -> str | None:
    """A health check of Docker's as the command line that it is run with."""
    match list(test or ()):
        case ["CMD", *words]:
            return " ".join(words)
        case ["CMD-SHELL", line, *_]:
            return f"/bin/sh -c {line}"
        case _:
            return None


def image_id(text: object) -> str | None:
    """An id without the name of the hash before it."""
    return text.removeprefix("sha256:") if isinstance(text, str) and text else None


def digest(references: Sequence[str] | None, image: str | None) -> str | None:
    """Of the digests under which registries know an image, that of the repository it was asked for by."""
    if not references:
        return None
    name = (image or "").partition("@")[0]
    repository = name[: name.rfind(":")] if name.rfind(":") > name.rfind("/") else name
    return next((each for each in references if each.startswith(repository + "@")), references[0])
