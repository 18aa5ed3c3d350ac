"""Every service that messages go to, each as a server of its own."""

from collections.abc import AsyncIterator, Callable

import pytest

from tests.peers.chats import AppriseJson, Discord, Mattermost, Opsgenie, Pagerduty, Slack, Teams, Webhook
from tests.peers.trackers import Github, Gitlab, Jira, ServiceNow, TheHive
from tests.peers.vendor import Vendor, serving

VENDORS: dict[str, Callable[[], Vendor]] = {
    "slack": Slack,
    "teams": Teams,
    "mattermost": Mattermost,
    "pagerduty": Pagerduty,
    "jira": Jira,
    "gitlab": Gitlab,
    "github": Github,
    "discord": Discord,
    "servicenow": ServiceNow,
    "thehive": TheHive,
    "opsgenie": Opsgenie,
    "apprise": AppriseJson,
    "webhook": Webhook,
}


@pytest.fixture(params=VENDORS)
async def vendor(request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, Vendor]]:
    """Each service in turn, with its name."""
    async with serving(VENDORS[request.param]()) as made:
        yield request.param, made
