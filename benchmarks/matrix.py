"""The benchmark matrix: what sending costs, client by client, at several concurrencies, over HTTP and TLS, near and far.

    uv run benchmarks/matrix.py                          # every client that is installed, the others are named
    uv run --with twilio,vonage,telnyx,httpx benchmarks/matrix.py
    uv run benchmarks/matrix.py --short                  # a few hundred messages: that it runs, not how fast
    uv run benchmarks/matrix.py --only routee_async --transport http --latency 0 --concurrency 100
    uv run benchmarks/matrix.py --from figures.json --write-docs

The second line lends the clients of others to the run; nothing is added to the project, and nothing leaves the machine but what uv
needs to install them. `docs/benchmarks.md` tells how it is measured and what the figures do not say; `--write-docs` puts table and
plot there.
"""

import argparse
import itertools
import json
import os
import platform
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import attrs

from benchmarks import report
from benchmarks.contenders import BARE, BY_NAME, CONTENDERS, FLOOR, Contender, Measure, Task, measure_apart
from benchmarks.report import Cell, Figures
from benchmarks.servers import ROOT, Certificate, Server, certify, serve

CONCURRENCIES = (10, 100, 500)
TRANSPORTS = ("http", "tls")
LATENCIES = (0, 20)
"""Milliseconds that the server takes."""
_SECONDS = 3.0
"""How long a measurement may take at most where the server's latency is the bound."""
_WARM_UP = 200
"""Messages before it counts; never fewer than there are connections."""


@attrs.frozen
class Plan:
    """What is measured.

    Attributes:
        contenders: Who.
        cells: Where.
        messages: Of one measurement.
        rounds: How often each client is measured in each cell.
        pinned: Bind client and server to a processor each.
        seed: Of the order.
    """

    contenders: Sequence[Contender]
    cells: Sequence[Cell]
    messages: int
    rounds: int
    pinned: bool
    seed: int

    @property
    def cores(self) -> tuple[int | None, int | None]:
        """The processors of client and server."""
        if not self.pinned or sys.platform != "linux":
            return None, None
        allowed = sorted(os.sched_getaffinity(0))
        return (allowed[0], allowed[1]) if len(allowed) > 1 else (None, None)

    def task(self, contender: Contender, cell: Cell, origin: str) -> Task:
        """Make the order for one measurement."""
        messages = self.messages
        if cell.latency:
            # Few in flight wait most of the time.
            messages = min(messages, int(_SECONDS * 1000 / cell.latency * cell.concurrency))
        messages = max(int(messages * contender.share), 2 * cell.concurrency)
        warm_up = max(min(messages, _WARM_UP), cell.concurrency)
        return Task(contender.name, origin, cell.concurrency, messages, warm_up, self.cores[0])


@attrs.define
class Found:
    """What came of a plan.

    Attributes:
        measures: By client and cell, one for each round; None where it failed.
        servers: Names by transport and latency.
        failures: What failed, in words.
    """

    measures: dict[tuple[str, Cell], list[Measure | None]] = attrs.Factory(dict)
    servers: dict[tuple[str, int], str] = attrs.Factory(dict)
    failures: list[str] = attrs.Factory(list)


def measure_all(plan: Plan) -> Found:
    """Measure everything, round by round, in a new order each time. What fails costs none of the rest."""
    found = Found()
    with ExitStack() as stack:
        certificate = certify(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        servers = dict(_serve_all(plan, stack, certificate))
        found.servers = {where: server.name for where, server in servers.items()}
        rng = random.Random(plan.seed)
        for number in range(plan.rounds):
            cells = list(plan.cells)
            rng.shuffle(cells)
            for cell in cells:
                server = servers[cell.transport, cell.latency]
                contenders = [each for each in plan.contenders if cell.transport == "tls" or not each.only_tls]
                rng.shuffle(contenders)
                _tell(f"round {number + 1} of {plan.rounds}: {cell}")
                for contender in contenders:
                    task = plan.task(contender, cell, server.origin)
                    authority = certificate.authority if cell.transport == "tls" else None
                    measure = None
                    try:
                        measure = measure_apart(task, authority)
                    except RuntimeError as error:
                        found.failures.append(f"{cell}: {error}")
                    found.measures.setdefault((contender.name, cell), []).append(measure)
    return found


def _serve_all(plan: Plan, stack: ExitStack, certificate: Certificate) -> Iterator[tuple[tuple[str, int], Server]]:
    for transport, latency in dict.fromkeys((cell.transport, cell.latency) for cell in plan.cells):
        server = serve(certificate=certificate if transport == "tls" else None, delay=latency / 1000, core=plan.cores[1])
        yield (transport, latency), stack.enter_context(server)


def _tell(text: str) -> None:
    """Say how far it is."""
    print(text, file=sys.stderr, flush=True)


def describe_machine(plan: Plan) -> dict[str, str]:
    """Name what was measured on and with."""
    versions = dict.fromkeys(each.version for each in plan.contenders if each.version)
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "event loop": "asyncio (no uvloop)",
        "JSON": f"orjson {_version('orjson')}" if _version("orjson") else "json of the standard library",
        "clients": ", ".join(versions),
        "bound to": "client and server to a core each" if plan.cores[0] is not None else "nothing",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def make_figures(plan: Plan, absent: Sequence[Contender]) -> Figures:
    """Measure, and work everything out."""
    found = measure_all(plan)
    return Figures(
        machine=describe_machine(plan),
        servers={f"{transport}, {latency} ms": name for (transport, latency), name in found.servers.items()},
        messages=plan.messages,
        rounds=plan.rounds,
        seed=plan.seed,
        rows=report.summarize(found.measures),
        absent={each.name: list(each.missing) for each in absent},
        failures=found.failures,
    )


def _make_plan(options: Any, contenders: Sequence[Contender]) -> Plan:  # noqa: ANN401 - argparse says no more
    if options.short:
        cells = [Cell("http", 0, 10), Cell("tls", 20, 10)]
        return Plan(contenders, cells, 200, 1, pinned=not options.unbound, seed=options.seed)
    axes = options.transport or TRANSPORTS, options.latency or LATENCIES, options.concurrency or CONCURRENCIES
    cells = [Cell(*axis) for axis in itertools.product(*axes)]
    return Plan(contenders, cells, options.messages, options.rounds, pinned=not options.unbound, seed=options.seed)


def _choose(options: Any) -> tuple[list[Contender], list[Contender]]:  # noqa: ANN401 - argparse says no more
    """Who is measured, and who would have been."""
    names = {BARE, FLOOR, *options.only} if options.only else BY_NAME
    wanted = [each for each in CONTENDERS if each.name in names]
    if options.short and not options.only:
        wanted = [each for each in wanted if not each.rival]
    return [each for each in wanted if not each.missing], [each for each in wanted if each.missing]


def make_parser() -> argparse.ArgumentParser:
    """Say what may be asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=5000, help="of one measurement; slow clients get by with fewer")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", action="append", choices=BY_NAME, help="only this client, and the two yardsticks; repeatable")
    parser.add_argument("--concurrency", type=int, action="append", help="messages in flight; repeatable")
    parser.add_argument("--transport", action="append", choices=TRANSPORTS)
    parser.add_argument("--latency", type=int, action="append", help="milliseconds that the server takes; repeatable")
    parser.add_argument("--short", action="store_true", help="a few hundred messages, one round, no rivals")
    parser.add_argument("--unbound", action="store_true", help="do not bind client and server to a processor each")
    parser.add_argument("--seed", type=int, default=1, help="of the order")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--from", type=Path, metavar="FILE", dest="source", help="take the figures from there, measure nothing")
    parser.add_argument("--write-docs", action="store_true", help="put table and plot into docs/")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options, measure, print."""
    options = make_parser().parse_args(arguments)
    if options.source is not None:
        figures = Figures.from_json(options.source.read_text(encoding="utf-8"))
    else:
        contenders, absent = _choose(options)
        figures = make_figures(_make_plan(options, contenders), absent)
    if options.json is not None:
        options.json.write_text(json.dumps(attrs.asdict(figures), indent=1), encoding="utf-8")
    if options.write_docs:
        report.write_docs(figures, ROOT / "docs")
    print(report.to_markdown(figures))
    if figures.failures:
        sys.exit(1)


if __name__ == "__main__":
    main()
