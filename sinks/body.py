"""A detection as the JSON that travels inside tracetide, for the sinks that pass it on as it is."""

from sinks.contract import Never
from wire import detection as wire_detection
from wire.detection import Detection


def body(detection: Detection) -> bytes | Never:
    """One line without its break; the event in a detection is not typed and may be nested too deep."""
    try:
        return wire_detection.encode(detection)
    except (TypeError, ValueError, RecursionError) as error:
        return Never(f"cannot be written as JSON: {error}")
