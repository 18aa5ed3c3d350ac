"""Ways to people. A new one is one file here and one line in ``RECEIVERS``.

The module of a receiver has two names: ``Settings`` (a ``ReceiverSettings``) and ``create``, which takes
these settings and gives a ``Receiver``. It is imported only when a file of routes names it.
"""

from dataclasses import dataclass
from importlib import import_module

from pydantic import ValidationError

from notify.contract import Receiver
from notify.document import Value
from notify.receivers.settings import ReceiverSettings, SecretError, with_secrets

RECEIVERS = {
    "mail": "notify.receivers.mail",
    "slack": "notify.receivers.slack",
    "teams": "notify.receivers.teams",
    "mattermost": "notify.receivers.mattermost",
    "discord": "notify.receivers.discord",
    "pagerduty": "notify.receivers.pagerduty",
    "opsgenie": "notify.receivers.opsgenie",
    "apprise": "notify.receivers.apprise",
    "webhook": "notify.receivers.webhook",
    "jira": "notify.receivers.jira",
    "servicenow": "notify.receivers.servicenow",
    "rt": "notify.receivers.rt",
    "thehive": "notify.receivers.thehive",
    "gitlab": "notify.receivers.gitlab",
    "github": "notify.receivers.github",
}


@dataclass(frozen=True, slots=True)
class Target:
    """One way of a receiver; ``name`` tells it from all others, such as ``soc/mail/0``."""

    name: str
    kind: str
    settings: ReceiverSettings

    def open(self) -> Receiver:
        """What delivers to it."""
        receiver: Receiver = import_module(RECEIVERS[self.kind]).create(self.settings)
        return receiver


def target(receiver: str, kind: str, number: int, value: Value) -> Target:
    """Read one; what is wrong is noted and never shows a secret."""
    settings: type[ReceiverSettings] = import_module(RECEIVERS[kind]).Settings
    name = f"{receiver}/{kind}/{number}"
    entries = value.entries(settings.keys())
    try:
        given = with_secrets(settings, {key: each.plain() for key, each in entries.items()})
        return Target(name, kind, settings(**given))
    except SecretError as error:
        (entries.get(error.key) or value).fail(str(error))
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False, include_context=False):
            key = str(problem["loc"][0]) if problem["loc"] else ""
            message = problem["msg"].removeprefix("Value error, ")
            meaning = settings.model_fields[key].description if key in settings.model_fields else ""
            if problem["type"] == "missing":
                value.fail(f"{settings.written(key)} is missing: {meaning}")
            else:
                at = entries.get(key) or entries.get(f"{key}_file") or entries.get(f"{key}_env") or value
                at.fail(f"{message[:1].lower()}{message[1:]}" + (f": {meaning}" if meaning else ""))
    return Target(name, kind, ReceiverSettings())
