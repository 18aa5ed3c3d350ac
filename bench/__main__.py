"""``make bench``: measures everything and prints a table; ``python -m bench NAME…`` only what is named."""

import argparse
import sys
import tempfile
from pathlib import Path

from bench import collector, containers, fleet, flood, guest, hooks, overhead, replay, sigma, sinks
from bench import rules as rules_bench
from bench.table import Row, as_json, text

BENCHES = {
    "replay": replay.rows,
    "rules": rules_bench.rows,
    "sigma": sigma.rows,
    "fleet": fleet.rows,
    "collector": collector.rows,
    "hooks": hooks.rows,
    "overhead": overhead.rows,
    "guest": guest.rows,
    "flood": flood.rows,
    "containers": containers.rows,
    "sinks": sinks.rows,
}


def main() -> None:
    """Run the named benches, or all, in the order in which they build on each other."""
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in options.names or BENCHES:
            print(f"{name} …", file=sys.stderr)
            rows += BENCHES[name](Path(folder))
    print(as_json(rows) if options.json else text(rows))


main()
