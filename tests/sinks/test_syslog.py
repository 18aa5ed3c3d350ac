"""The syslog sink against a real rsyslog: over TLS, TCP and UDP, in three formats."""

from typing import Any

import pytest

from sinks.contract import Delivered, Never, Retry, SinkError
from sinks.syslog import Settings, SyslogSink, create
from tests.peers.rsyslog import Rsyslog
from tests.peers.server import free_port
from tests.sinks.samples import detection, detections
from wire import detection as wire_detection

HOSTILE = 'a=b|c\\d\ne\rf\tg ]" <0>1 - \u2028 é \x00 CEF:0|x'


def opened(server: Rsyslog, **settings: Any) -> SyslogSink:  # any setting
    """A sink for the server, with its authority where that is of use."""
    protocol = settings.get("protocol", "tls")
    given = {"host": "localhost", "port": server.ports[protocol], "timeout": 5, **settings}
    if protocol == "tls":
        given.setdefault("ca_certs", server.folder / "ca.pem")
    return create(Settings(**given))


@pytest.mark.parametrize("protocol", ["tls", "tcp", "udp"])
async def test_what_is_sent_is_what_rsyslog_understands(rsyslog: Rsyslog, protocol: str) -> None:
    """Grade, host, time and the whole detection, one message for each, whatever is in them."""
    count = 20 if protocol == "udp" else 100  # what finds no room in a buffer is lost with UDP
    sent = [detection(1), detection(2, output=HOSTILE), *detections(count)[2:]]
    sink = opened(rsyslog, protocol=protocol)
    await sink.check()
    assert await sink.deliver(sent) == [Delivered()] * count
    await sink.close()
    found = rsyslog.found(count)
    assert len(found) == count
    assert {wire_detection.decode(each["message"].encode()).id for each in found} == {one.id for one in sent}
    first = found[0]
    assert (first["facility"], first["severity"], first["version"]) == ("13", "2", "1")
    assert (first["host"], first["app"]) == ("node-1", "tracetide")
    assert first["timestamp"] == "2026-11-25T09:46:40.123456Z"


@pytest.mark.parametrize("framing", ["octets", "lines"])
@pytest.mark.parametrize("shape", ["json", "cef", "leef"])
async def test_a_message_cannot_begin_another(rsyslog: Rsyslog, framing: str, shape: str) -> None:
    """Line breaks and headers in a command line stay in their message, with either framing."""
    sink = opened(rsyslog, protocol="tcp", framing=framing, format=shape)
    process = detection().process
    assert process is not None
    odd = type(process)(
        entity="e", pid=1, start=1, name=HOSTILE, exepath=HOSTILE, args=[HOSTILE, "<13>1 - x"]
    )
    assert await sink.deliver([detection(1, process=odd, output=HOSTILE)]) == [Delivered()]
    await sink.deliver([detection(2)])
    await sink.close()
    assert [each["app"] for each in rsyslog.found(2)] == ["tracetide"] * 2


async def test_a_certificate_of_somebody_else_is_not_accepted(rsyslog: Rsyslog) -> None:
    """Without the authority, and under another name, nothing is sent."""
    for settings in ({"ca_certs": None}, {"host": "127.0.0.1"}):
        sink = opened(rsyslog, **settings)
        with pytest.raises(SinkError, match="certificate is not accepted"):
            await sink.check()
        (outcome,) = await sink.deliver([detection()])
        assert isinstance(outcome, Retry)
        await sink.close()
    assert rsyslog.found(0) == []


@pytest.mark.parametrize("rsyslog", ["x509/name"], indirect=True)
async def test_a_receiver_may_want_a_certificate(rsyslog: Rsyslog) -> None:
    """With the client's it takes messages; without, nothing counts as delivered."""
    shown = {"client_cert": rsyslog.folder / "client.pem", "client_key": rsyslog.folder / "client.key"}
    sink = opened(rsyslog, **shown)
    assert await sink.deliver([detection()]) == [Delivered()]
    await sink.close()
    nobody = opened(rsyslog)
    (outcome,) = await nobody.deliver([detection(2)])
    assert isinstance(outcome, Retry)
    await nobody.close()
    assert len(rsyslog.found(1)) == 1


async def test_a_receiver_that_comes_back_is_found(rsyslog: Rsyslog) -> None:
    """While it is down everything is to be tried again; then a new connection is made."""
    sink = opened(rsyslog)
    await sink.deliver([detection(1)])
    rsyslog.found(1)
    rsyslog.kill()
    assert all(isinstance(outcome, Retry) for outcome in await sink.deliver(detections(3)))
    rsyslog.start()
    assert await sink.deliver(detections(3)[1:]) == [Delivered()] * 2
    await sink.close()
    assert len(rsyslog.found(3)) == 3


async def test_what_does_not_fit_into_a_datagram_is_refused(rsyslog: Rsyslog) -> None:
    """Half a message is worse than a dead letter; its neighbour is sent."""
    sink = opened(rsyslog, protocol="udp")
    outcomes = await sink.deliver([detection(1, output="x" * 70_000), detection(2)])
    assert [type(outcome) for outcome in outcomes] == [Never, Delivered]


async def test_a_time_that_no_calendar_has_is_refused(rsyslog: Rsyslog) -> None:
    """The others are sent."""
    sink = opened(rsyslog, protocol="tcp")
    outcomes = await sink.deliver([detection(1, time=10**30), detection(2)])
    assert [type(outcome) for outcome in outcomes] == [Never, Delivered]
    await sink.close()


async def test_a_receiver_that_is_not_there_is_said() -> None:
    """A sentence with the address."""
    port = free_port()
    sink = create(Settings(host="127.0.0.1", port=port, protocol="tcp"))
    with pytest.raises(SinkError, match=f"tcp://127.0.0.1:{port} cannot be reached"):
        await sink.check()
