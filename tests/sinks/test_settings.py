"""Settings come from the environment and from files; a mistake is a sentence that shows no secret."""

from importlib import import_module
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from sinks import SINKS, open_sink
from sinks.contract import SinkError
from sinks.elasticsearch import Settings as Elasticsearch
from sinks.settings import is_secret, load, variable
from sinks.webhook import Settings as Webhook

ALL: list[type[BaseSettings]] = [import_module(module).Settings for module in SINKS.values()]


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The variable with ``_FILE`` names a file; the line break at its end is not part of the secret."""
    (tmp_path / "token").write_text("marker\n")
    monkeypatch.setenv("TRACETIDE_WEBHOOK_URL", "https://hooks.example/x")
    monkeypatch.setenv("TRACETIDE_WEBHOOK_TOKEN_FILE", str(tmp_path / "token"))
    token = load(Webhook).token
    assert token is not None
    assert token.get_secret_value() == "marker"


def test_a_missing_secret_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names the variable and the file."""
    monkeypatch.setenv("TRACETIDE_WEBHOOK_URL", "https://hooks.example/x")
    monkeypatch.setenv("TRACETIDE_WEBHOOK_TOKEN_FILE", "/none/token")
    with pytest.raises(SinkError, match="TRACETIDE_WEBHOOK_TOKEN_FILE names /none/token: No such file"):
        load(Webhook)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A required setting that is not there is named with what it means."""
    monkeypatch.delenv("TRACETIDE_ELASTICSEARCH_URL", raising=False)
    with pytest.raises(SinkError, match=r"TRACETIDE_ELASTICSEARCH_URL is not set: the server's address"):
        open_sink("elasticsearch")


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"URL": "ftp://marker"}, "TRACETIDE_ELASTICSEARCH_URL is wrong"),
        ({"URL": "https://me:marker@elastic.example:9200"}, "variables of their own"),
        ({"URL": "https://marker.example"}, "no port"),
        ({"URL": "https://e.example:9200", "USERNAME": "me"}, "PASSWORD need each other"),
        ({"URL": "https://e.example:9200", "PASSWORD": "marker"}, "PASSWORD need each other"),
        (
            {"URL": "https://e.example:9200", "USERNAME": "u", "PASSWORD": "marker", "API_KEY": "marker"},
            "keep one",
        ),
        ({"URL": "https://e.example:9200", "TIMEOUT": "marker"}, "TRACETIDE_ELASTICSEARCH_TIMEOUT is wrong"),
        ({"URL": "https://e.example:9200", "INDEX": "Marker*"}, "TRACETIDE_ELASTICSEARCH_INDEX is wrong"),
        ({"URL": "https://e.example:9200", "CA_CERTS": "/none"}, "TRACETIDE_ELASTICSEARCH_CA_CERTS is wrong"),
        ({"URL": "http://e.example:9200", "CA_CERTS": "/etc/passwd"}, "only with an https:// address"),
    ],
)
def test_what_is_wrong_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], named: str
) -> None:
    """The variable is in the message, its value is not."""
    for name, value in variables.items():
        monkeypatch.setenv(f"TRACETIDE_ELASTICSEARCH_{name}", value)
    with pytest.raises(SinkError, match=named) as caught:
        load(Elasticsearch)
    assert "marker" not in str(caught.value).lower()


def test_there_is_no_sink_of_that_name() -> None:
    """A name that is not registered gets the list of those that are."""
    with pytest.raises(SinkError, match=r"there is no sink 'elastic'; there are .*elasticsearch"):
        open_sink("elastic")


@pytest.mark.parametrize("kind", ALL, ids=list(SINKS))
def test_every_setting_says_what_it_is(kind: type[BaseSettings]) -> None:
    """Errors and reference tables are made of the descriptions; the prefix is the sink's name."""
    for field, info in kind.model_fields.items():
        assert info.description, field
    prefixes = [f"TRACETIDE_{name.upper()}_" for name in SINKS]
    assert kind.model_config.get("env_prefix") in prefixes


def test_secrets_are_told_from_other_settings() -> None:
    """A field of a secret type is a secret, optional or not."""
    assert is_secret(Elasticsearch, "password")
    assert is_secret(Webhook, "url")
    assert not is_secret(Elasticsearch, "url")
    assert variable(Elasticsearch, "api_key") == "TRACETIDE_ELASTICSEARCH_API_KEY"
