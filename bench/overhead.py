"""What being watched costs: loops of one system call, programs that start, a web server, and a compiler.

Runs alternate between unwatched, one empty program attached to the tracepoint of a system call (the least
that watching one by its tracepoint costs all calls), and a collector that watches for what the rules of the
library need. Ratios are those of one round, in which the machine is alike; told are their medians. Measured
is the workload's processor time, in which the programs of the kernel side run too, and not the clock, so that
other work on the machine disturbs less; what the collector itself takes is in the bench "collector".
"""

import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from bench import watching
from bench.table import Row
from bench.watching import UNWATCHED, WATCHED
from collectors.kernel import why_not
from tracetide.overhead.pairs import interval

ROUNDS = int(os.environ.get("TRACETIDE_BENCH_ROUNDS", "7"))

Workload = Callable[[], float]

_NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""
_PORT = 18973

_HEADERS = ("stdio", "stdlib", "string", "stdint", "time", "math", "unistd", "sys/socket", "pthread", "regex")
_FILES = 6
_FUNCTIONS = 40


def rows(folder: Path) -> Iterator[Row]:
    """For each workload, how much longer it takes with an empty program, and with tracetide."""
    if reason := why_not():
        print(reason, file=sys.stderr)
        return
    ways = watching.ways(folder)
    with ExitStack() as stack:
        workloads = dict(workloads_in(folder, stack))
        measured: dict[tuple[str, str], list[float]] = {(name, way): [] for name in workloads for way in ways}
        for number in range(ROUNDS):
            for way in list(ways) if number % 2 == 0 else list(reversed(ways)):
                with ways[way]():
                    for name, workload in workloads.items():
                        measured[name, way].append(workload())
            print(f"round {number + 1} of {ROUNDS}", file=sys.stderr)
    for name in workloads:
        yield from _told(name, {way: measured[name, way] for way in ways})


def _told(name: str, measured: dict[str, list[float]]) -> Iterator[Row]:
    bare = measured[UNWATCHED]
    goals = {
        "read": "as the empty one",
        "fork + exec": "≤ 1.10",
        "web request": "≤ 1.02",
        "compile": "≤ 1.02",
    }
    for way, values in measured.items():
        found = interval([mine / other for mine, other in zip(values, bare, strict=True)])
        sure = f"{found.low:.2f}-{found.high:.2f}"
        goal = goals.get(name, "") if way == WATCHED else ""
        yield Row(f"{name}, {way} ({sure})", interval(values).middle / 1000, "µs", found.middle, goal)


def workloads_in(folder: Path, stack: ExitStack, share: float = 1.0) -> Iterator[tuple[str, Workload]]:
    """Each returns nanoseconds for one of what it does, and does this share of what it does here."""
    loops = watching.loops(folder)
    opened = folder / "opened"
    opened.touch()
    for name, times, *what in (
        ("read", 2_000_000, "read"),
        ("open", 200_000, "open", opened),
        ("fork + exec", 1000, "run"),
    ):
        yield name, partial(_loop, [loops, *what], round(times * share))
    if shutil.which("wrk") and shutil.which("nginx"):
        server = stack.enter_context(_web_server(folder))
        yield "web request", lambda: _web_requests(server)
    else:
        print("no web server: nginx and wrk are not installed (Debian: nginx-light, wrk)", file=sys.stderr)
    _write_sources(folder / "sources", max(1, round(_FILES * share)))
    yield "compile", lambda: _compile(folder / "sources")


def _loop(command: Sequence[str | Path], times: int) -> float:
    program, what, *rest = command
    return _processor_time([program, what, str(times), *rest]) / times


def _processor_time(command: Sequence[str | Path]) -> float:
    """Of the command and all that it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1e9 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


@contextmanager
def _web_server(folder: Path) -> Iterator[int]:
    """One process that sends a small file; its number."""
    (folder / "index.html").write_text("x" * 1024)
    settings = folder / "nginx.conf"
    settings.write_text(_NGINX.format(folder=folder, port=_PORT))
    folder.chmod(0o755)
    with subprocess.Popen(["nginx", "-p", str(folder), "-c", str(settings)]) as server:
        time.sleep(0.5)
        try:
            yield server.pid
        finally:
            server.terminate()


def _web_requests(server: int) -> float:
    """For one request, what the server takes."""
    before = _spent(server)
    done = subprocess.run(
        ["wrk", "-t1", "-c16", "-d2s", f"http://127.0.0.1:{_PORT}/index.html"],
        check=True,
        capture_output=True,
        text=True,
    )
    (requests,) = re.findall(r"(\d+) requests in", done.stdout)
    return (_spent(server) - before) / int(requests)


def _spent(pid: int) -> int:
    """Nanoseconds of processor time of the first thread of a process."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def _write_sources(folder: Path, files: int) -> None:
    """So many files in C that a compiler is busy with for some tenths of a second each."""
    folder.mkdir()
    includes = "".join(f"#include <{header}.h>\n" for header in _HEADERS)
    for number in range(files):
        functions = "".join(
            f"double f{n}(double *a, int n) {{ double s = {n}; for (int i = 0; i < n; i++) "
            f"{{ s += a[i] * sin(s) + (i % {n + 2} ? cos(a[i]) : {n}); }} return s; }}\n"
            for n in range(_FUNCTIONS)
        )
        (folder / f"file{number}.c").write_text(includes + functions)
    objects = " ".join(f"file{number}.o" for number in range(files))
    (folder / "Makefile").write_text(f"CFLAGS = -O2\nall: {objects}\nclean:\n\trm -f *.o\n")


def _compile(folder: Path) -> float:
    make = ["make", "-s", "-C", str(folder)]
    subprocess.run([*make, "clean"], check=True)
    return _processor_time([*make, "-j2"])
