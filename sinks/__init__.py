"""Where detections go. A new destination is one new file here and one line in ``SINKS``.

The module of a sink has two names: ``Settings`` (a pydantic-settings class, prefix ``TRACETIDE_<NAME>_``)
and ``create``, which takes these settings and gives a ``Sink``. It is imported only when the sink is
used, so that nobody pays for the client libraries of the others.
"""

from importlib import import_module

from sinks.contract import Sink, SinkError

SINKS = {
    "console": "sinks.console",
    "elasticsearch": "sinks.elasticsearch",
    "jsonl": "sinks.jsonl",
    "kafka": "sinks.kafka",
    "ocsf": "sinks.ocsf",
    "splunk": "sinks.splunk",
    "syslog": "sinks.syslog",
    "webhook": "sinks.webhook",
}


def open_sink(name: str) -> Sink:
    """The sink of this name with its settings from the environment.

    Raises:
        SinkError: there is none of this name, or its settings are wrong.
    """
    if name not in SINKS:
        raise SinkError(f"there is no sink {name!r}; there are {', '.join(SINKS)}")
    from sinks.settings import load  # noqa: PLC0415  # pydantic is for those who open a sink

    module = import_module(SINKS[name])
    sink: Sink = module.create(load(module.Settings))
    return sink
