"""Receivers with what they need to reach the services of the tests."""

from importlib import import_module
from typing import Any

from notify.contract import Receiver
from notify.receivers import RECEIVERS
from tests.peers.vendor import TOKEN, Vendor

Served = tuple[str, Vendor, Receiver]

TICKETS = {"jira", "gitlab", "github", "servicenow", "thehive"}


def opened(kind: str, url: str, **more: Any) -> Receiver:
    """The receiver with what it needs to reach a server at ``url``, and the marker in every secret."""
    given: dict[str, dict[str, Any]] = {
        "slack": {"url": url, "channel": "C024BE91L", "token": TOKEN},
        "teams": {"url": f"{url}/workflows/{TOKEN}"},
        "mattermost": {"url": url, "channel": "c" * 26, "token": TOKEN},
        "pagerduty": {"url": url, "routing_key": TOKEN},
        "jira": {"url": url, "username": "bot@example.org", "token": TOKEN, "project": "SEC"},
        "gitlab": {"url": url, "token": TOKEN, "project": "security/incidents"},
        "github": {"url": url, "token": TOKEN, "repository": "acme/incidents"},
        "discord": {"url": f"{url}/webhooks/1/{TOKEN}", "forum": True},
        "servicenow": {"url": url, "username": "tracetide", "password": TOKEN},
        "rt": {"url": url, "token": TOKEN, "queue": "Security"},
        "thehive": {"url": url, "token": TOKEN},
        "opsgenie": {"url": url, "key": TOKEN},
        "apprise": {"url": f"json://{url.removeprefix('http://')}/{TOKEN}"},
        "webhook": {"url": f"{url}/{TOKEN}", "token": TOKEN},
    }
    module = import_module(RECEIVERS[kind])
    receiver: Receiver = module.create(module.Settings(**{**given[kind], **more}))
    return receiver
