"""The doctor on this very host: what it finds is compared with what the host is."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from collectors.kernel import HOOKS, privileges, way, why_not
from collectors.kernel.ways import absent
from tests.peers.engines import Engine
from tests.tracetide.conftest import Call
from tracetide.doctor import LOOKS, buffers, clock, examine, groups, hooks, runtimes
from tracetide.doctor import kernel as kernels
from tracetide.doctor import privileges as rights
from tracetide.doctor.contract import Asked, Finding, Look
from wire.topics import TOPICS


def found(look: Look, asked: Asked) -> list[Finding]:
    """Everything that one look finds."""

    async def every() -> list[Finding]:
        return [finding async for finding in look(asked)]

    return asyncio.run(every())


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    """Nothing but the host, with a spill of its own."""
    return Asked(tmp_path / "spill", inventory=("none",))


def test_every_problem_has_a_remedy(asked: Asked) -> None:
    """What is good has none; nothing is looked at twice."""
    findings = found(examine, asked)
    assert [finding for finding in findings if (finding.level == "good") != (finding.remedy is None)] == []
    assert len({finding.what for finding in findings}) == len(findings) >= len(LOOKS) - 2


def test_a_person_gets_a_line_and_the_remedy(call: Call, tmp_path: Path) -> None:
    """A Kafka that is not there is a problem; exit code 1."""
    code, out, _ = call("doctor", "--kafka", "127.0.0.1:1", "--spill", tmp_path, "--inventory", "none")
    assert code == 1
    assert re.search(r"✗ Kafka at 127.0.0.1:1: it cannot be reached.*\n  → check the address", out)
    assert "✓ rule library" in out


def test_a_kernel_that_cannot_be_watched_is_bad(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence that the collector refuses with, taken apart."""
    monkeypatch.setattr(
        "collectors.kernel.why_not", lambda: "the kernel cannot be watched here: no X: install X"
    )
    (finding, *_) = found(kernels.look, asked)
    assert (finding.level, finding.remedy) == ("bad", "install X")
    assert finding.state.endswith(": no X")


def test_this_kernel_is_told_as_it_is(asked: Asked) -> None:
    """Good exactly if the collector would start."""
    (finding, *_) = found(kernels.look, asked)
    assert (finding.level == "good") == (why_not() is None)


def test_hooks_are_told_with_what_the_kernel_lacks(asked: Asked, kernel: None) -> None:
    """Each type of event is either hooked or named as missing; every kernel has most of them."""
    findings = {finding.what: finding for finding in found(hooks.look, asked)}
    lacking = absent()
    assert findings["hooks"].state.startswith(f"{len(HOOKS) - len(lacking)} of {len(HOOKS)} types")
    assert (findings["hooks"].level == "good") == (way().problem is None)
    assert ("not in this kernel" in findings) == bool(lacking)
    assert len(lacking) < len(HOOKS) / 4


def test_each_missing_capability_is_named_with_its_purpose(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One finding each."""
    monkeypatch.setattr(privileges, "missing", lambda: list(privileges.NEEDED[1:3]))
    findings = found(rights.look, asked)
    assert [finding.what for finding in findings] == ["CAP_PERFMON", "CAP_SYS_PTRACE"]
    assert all(finding.level == "bad" and "needed to" in finding.state for finding in findings)


def test_the_layout_of_control_groups_is_that_of_the_host(asked: Asked) -> None:
    """Told by what is mounted."""
    (finding,) = found(groups.look, asked)
    types = {
        line.split(" - ")[1].split()[0] for line in Path("/proc/self/mountinfo").read_text().splitlines()
    }
    assert ("1" in finding.state.split(",")[0]) == ("cgroup" in types)
    assert ("2" in finding.state.split(",")[0]) == ("cgroup2" in types)


def test_a_runtime_that_answers_says_who_it_is(docker: Engine, tmp_path: Path) -> None:
    """Version and number of containers, from a real one."""
    (finding,) = found(runtimes.look, Asked(tmp_path, inventory=(f"docker={docker.socket}",)))
    assert re.fullmatch(r"version [\d.]+\S*, 0 containers", finding.state)


def test_containerd_says_who_it_is(cri: Engine, tmp_path: Path) -> None:
    """The same over the kubelet's interface."""
    (finding,) = found(runtimes.look, Asked(tmp_path, inventory=(f"cri={cri.socket}",)))
    assert re.fullmatch(r"containerd \S+, \d+ containers", finding.state)


def test_a_socket_that_nobody_listens_at_is_bad(tmp_path: Path) -> None:
    """It is there, so somebody expects answers from it."""
    dead = tmp_path / "docker.sock"
    dead.touch()
    (finding,) = found(runtimes.look, Asked(tmp_path, inventory=(f"docker={dead}",)))
    assert (finding.level, finding.what) == ("bad", f"docker at {dead}")


def test_what_waits_in_the_spill_is_told(asked: Asked) -> None:
    """A run that ended while Kafka was away left it behind."""
    asked.spill.mkdir()
    (asked.spill / "1.jsonl.zst").write_bytes(bytes(1 << 20))
    findings = {finding.what: finding for finding in found(buffers.look, asked)}
    assert "1 files, 1.0 MiB" in findings["undelivered events"].state
    assert str(asked.spill) in findings["spill"].state


@pytest.mark.parametrize(("limit", "level"), [(64 << 20, "bad"), (256 << 20, "good"), (None, "good")])
def test_too_small_a_limit_of_memory_is_bad(
    limit: int | None, level: str, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The collector would be killed under load."""
    monkeypatch.setattr(buffers, "_limit", lambda: limit)
    (finding, *_) = found(buffers.look, asked)
    assert (finding.what, finding.level) == ("memory", level)


def test_the_clock_is_told_as_the_kernel_sees_it(asked: Asked) -> None:
    """Kept right within some milliseconds, or by nobody."""
    (finding,) = found(clock.look, asked)
    assert re.search(r"within|at most \d+ ms|nobody", finding.state)


async def test_topics_that_are_set_differently_are_told(kafka: str, asked: Asked) -> None:
    """A real broker, first without the topics, then with one of them changed."""
    from aiokafka.admin import AIOKafkaAdminClient  # noqa: PLC0415  # only with a broker
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType  # noqa: PLC0415  # the same

    from tracetide.doctor import broker  # noqa: PLC0415  # the same
    from tracetide.kafka import create_topics  # noqa: PLC0415  # the same

    where = Asked(asked.spill, kafka=kafka)
    await create_topics(kafka)
    for _ in range(100):  # a broker tells of new topics a moment later
        good = await anext(broker.look(where))
        if good.level != "bad":
            break
        await asyncio.sleep(0.1)
    assert good.state == f"all {len(TOPICS)} topics; brokers: 1"
    client = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await client.start()
    topic = TOPICS[0]
    small = ConfigResource(
        ConfigResourceType.TOPIC, topic.name, configs={**topic.config, "max.message.bytes": "1000"}
    )
    right = ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=topic.config)
    try:
        await client.alter_configs([small])
        findings = [finding async for finding in broker.look(where)]
    finally:
        await client.alter_configs([right])
        await client.close()
    assert [(finding.what, finding.level) for finding in findings[1:]] == [(topic.name, "note")]
    assert "max.message.bytes is 1000 instead of 2097152" in findings[1].state


def test_a_program_gets_every_finding(call: Call, tmp_path: Path) -> None:
    """With what, state, level and remedy."""
    code, out, _ = call("doctor", "--json", "--spill", tmp_path, "--inventory", "none")
    findings = json.loads(out)
    assert {tuple(each) for each in findings} == {("what", "state", "level", "remedy")}
    assert code == any(each["level"] == "bad" for each in findings)
