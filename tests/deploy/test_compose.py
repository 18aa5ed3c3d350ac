"""``docker-compose.yml`` is understood by Docker Compose, and asks for no more than it needs."""

import asyncio
import json
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from elasticsearch import Elasticsearch

from sinks import SINKS
from tests.peers.compose import ComposeError, Parse
from tests.peers.http import Answer, HttpPeer
from tests.peers.kafka import create_topic
from tracetide.commands import COMMANDS
from tracetide.commands.setup import setup

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "docker-compose.yml"
VARIABLES = dict.fromkeys(
    re.findall(r"^(\w+)=$", (ROOT / "deploy/compose/.env.example").read_text(), re.MULTILINE), "x" * 32
)
ONCE = {"set-up", "dashboards"}
OURS = ONCE | {"collector", "stream", "forwarder"}


def script(name: str) -> ModuleType:
    """A program of the image, as a module."""
    spec = spec_from_file_location(name, ROOT / f"deploy/compose/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def services(parse_compose: Parse) -> dict[str, Any]:
    """The services as Docker Compose understands them."""
    found: dict[str, Any] = parse_compose(FILE, VARIABLES)["services"]
    return found


def test_every_part_of_the_pipeline_is_there(services: dict[str, Any]) -> None:
    """One service for each part."""
    assert set(services) == OURS | {"kafka", "elasticsearch", "kibana"}


@pytest.mark.parametrize("variable", VARIABLES)
def test_nothing_starts_without_its_passwords(parse_compose: Parse, variable: str) -> None:
    """Each variable of the example is asked for by name, and none has a default."""
    rest = {name: value for name, value in VARIABLES.items() if name != variable}
    with pytest.raises(ComposeError, match=f"{variable} is missing a value: set .* in .env"):
        parse_compose(FILE, rest)


def test_there_are_no_defaults_for_variables() -> None:
    """A password that stands in a file is everybody's."""
    text = FILE.read_text()
    used = set(re.findall(r"\$\{(\w+)", text)) | set(
        re.findall(r"environment: (\w+_PASSWORD)$", text, re.MULTILINE)
    )
    assert used == set(VARIABLES)
    assert not re.search(r"\$\{\w+:?-", text)


def test_images_are_pinned(services: dict[str, Any]) -> None:
    """The same file starts the same software next year."""
    for name, service in services.items():
        if name in OURS:
            assert (ROOT / service["build"]["dockerfile"]).exists()
        else:
            assert re.search(r":\d+\.\d+\.\d+$", service["image"]), name


def test_whatever_runs_is_checked_for_health(services: dict[str, Any]) -> None:
    """All but what runs once and ends."""
    assert {name for name, service in services.items() if "healthcheck" not in service} == ONCE
    assert {name for name, service in services.items() if service.get("restart") == "no"} == ONCE


def test_the_pipeline_waits_for_what_it_needs(services: dict[str, Any]) -> None:
    """Our parts start when topics, users and template are there; what sets a server up, when it answers."""
    for name in OURS - ONCE:
        assert services[name]["depends_on"]["set-up"]["condition"] == "service_completed_successfully"
    for name in ("kafka", "elasticsearch"):
        assert services["set-up"]["depends_on"][name]["condition"] == "service_healthy"
    assert services["dashboards"]["depends_on"]["kibana"]["condition"] == "service_healthy"


def test_data_outlives_the_containers(services: dict[str, Any], parse_compose: Parse) -> None:
    """Every server keeps its data on a named volume."""
    named = set(parse_compose(FILE, VARIABLES)["volumes"])
    for name in ("kafka", "elasticsearch", "kibana"):
        (volume,) = services[name]["volumes"]
        assert volume["type"] == "volume"
        assert volume["source"] in named


def test_only_the_collector_has_privileges(services: dict[str, Any]) -> None:
    """Three capabilities there, none elsewhere, and nobody else is root."""
    for name, service in services.items():
        assert not service.get("privileged")
        added = {"BPF", "PERFMON", "SYS_PTRACE"} if name == "collector" else set()
        assert set(service.get("cap_add") or []) == added
    for name in OURS:
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["read_only"]
        assert (services[name]["user"] == "0:0") == (name == "collector")


def test_nothing_is_published_beyond_this_host(services: dict[str, Any]) -> None:
    """Without TLS a port is for loopback only."""
    published = {name: port for name, service in services.items() for port in service.get("ports") or []}
    assert set(published) == {"kibana"}
    assert published["kibana"]["host_ip"] == "127.0.0.1"


def test_the_commands_exist(services: dict[str, Any]) -> None:
    """What containers are told to do, tracetide knows."""
    for name in ("collector", "stream", "forwarder"):
        command, *arguments = services[name]["command"]
        assert command in COMMANDS
        assert set(arguments) <= set(SINKS)


def test_the_set_up_prepares_everything(services: dict[str, Any]) -> None:
    """Each of its steps is a command that exists or a program of the image."""
    *_, script = services["set-up"]["entrypoint"]
    steps = [step.split() for step in script.split(" && ")]
    assert [step for step in steps if step[0] == "tracetide"] == [
        ["tracetide", "setup", "kafka"],
        ["tracetide", "setup", "elastic"],
    ]
    assert services["dashboards"]["command"] == ["setup", "kibana"]
    assert set(setup.commands) == {"kafka", "elastic", "kibana"}


def test_the_image_is_made_of_what_is_there() -> None:
    """Every file that the image copies exists and is let through by ``.dockerignore``."""
    copied = re.findall(r"^COPY (.*) \S+$", (ROOT / "deploy/image/Containerfile").read_text(), re.MULTILINE)
    let_through = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }
    for source in " ".join(copied).split():
        assert (ROOT / source).exists(), source
        assert source.split("/")[0] in let_through, source


@pytest.mark.kafka
async def test_a_group_is_healthy_while_somebody_is_in_it(kafka: str) -> None:
    """The check counts living members, and none when the last has left."""
    members = script("group_health").members
    await create_topic(kafka, "health")
    consumer = AIOKafkaConsumer("health", bootstrap_servers=kafka, group_id="health-group")
    await consumer.start()
    try:
        assert await members(kafka, "health-group") == 1
    finally:
        await consumer.stop()
    assert await members(kafka, "health-group") == 0
    assert await members(kafka, "no-such-group") == 0


async def test_the_forwarder_may_only_add_alerts(http_peer: HttpPeer) -> None:
    """The set-up gives it a role with two privileges and Kibana its password; no address holds one."""
    product = {"X-Elastic-Product": "Elasticsearch", "Content-Type": "application/json"}
    http_peer.otherwise = Answer(200, "{}", product)
    set_up = script("set_up_elastic").set_up
    with Elasticsearch(http_peer.url, basic_auth=("elastic", "admin")) as client:
        await asyncio.to_thread(set_up, client, lambda name: f"marker-{name}")
    asked = {request.path: json.loads(request.body) for request in http_peer.requests}
    assert asked["/_security/user/kibana_system/_password"] == {"password": "marker-kibana_password"}
    assert asked["/_security/role/tracetide_forward"]["indices"] == [
        {"names": ["logs-tracetide.alerts.*"], "privileges": ["create_doc", "auto_configure"]}
    ]
    assert asked["/_security/user/tracetide_forward"]["roles"] == ["tracetide_forward"]
    assert "marker" not in "".join(asked)
