"""Slack: a message to a channel, and what comes later in its thread."""

from dataclasses import dataclass

from pydantic import Field, SecretStr

from notify.contract import Delivered, Never, Outcome, ReceiverError, Retry
from notify.message import Message
from notify.receivers.http import Http, HttpError, http
from notify.receivers.settings import ReceiverSettings
from notify.render.slack import payload

# Slack's own trouble, or what is mended in its settings; everything else is this message's fault.
_NO_THREAD = {"thread_not_found", "message_not_found", "cannot_reply_to_message"}
_NOT_NOW = {
    "ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout",
    "team_added_to_org", "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive",
    "missing_scope", "not_in_channel", "channel_not_found", "is_archived", "no_permission", "access_denied",
    "org_login_required", "ekm_access_denied", "restricted_action",
}  # fmt: skip


class Settings(ReceiverSettings):
    """``slack``: a bot's token with the right chat:write, and a channel that it is in."""

    token: SecretStr = Field(description="the bot's token, xoxb-…")
    channel: str = Field(description="the channel's id, such as C024BE91L", min_length=1)
    url: str = Field("https://slack.com/api/", description="where Slack's interface is")
    timeout: float = Field(30, description="seconds to wait for an answer", gt=0)


def create(settings: Settings) -> "SlackReceiver":
    """What posts to the channel."""
    headers = {"Authorization": f"Bearer {settings.token.get_secret_value()}"}
    return SlackReceiver(http("Slack", settings.url, settings.timeout, headers), settings.channel)


@dataclass(frozen=True)
class SlackReceiver:
    """``thread`` is the time stamp of the first message."""

    http: Http
    channel: str

    async def deliver(self, message: Message, thread: str) -> Outcome:
        """Post; one that has become more severe is shown in the channel too."""
        body = {"channel": self.channel, **payload(message)}
        if thread:
            body |= {"thread_ts": thread, "reply_broadcast": message.raised}
        try:
            answer = await self.http.json("POST", "chat.postMessage", body)
        except HttpError as error:
            return error.outcome
        problem = _problem(answer)
        if thread and problem in _NO_THREAD:  # somebody has deleted the first message
            return await self.deliver(message, "")
        if problem:
            reason = f"Slack says {problem}"
            return Retry(reason) if problem in _NOT_NOW else Never(reason)
        return Delivered(thread or str(answer.get("ts", "")))

    async def check(self) -> None:
        """Ask Slack whose token it is."""
        try:
            problem = _problem(await self.http.json("POST", "auth.test", {}))
        except HttpError as error:
            raise ReceiverError(str(error)) from None
        if problem:
            raise ReceiverError(f"Slack says {problem}")

    async def close(self) -> None:
        """Close the connections."""
        await self.http.close()


def _problem(answer: object) -> str:
    """Slack's own word for what is wrong; it answers 200 all the same."""
    if not isinstance(answer, dict):
        return "internal_error"
    return "" if answer.get("ok") is True else str(answer.get("error") or "internal_error")
