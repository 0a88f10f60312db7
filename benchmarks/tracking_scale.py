"""Ten million messages followed to their end, in virtual time: requests, memory and lag of each way to learn how they ended.

    uv run python -m benchmarks.tracking_scale                      # ten million; some eight minutes on one core
    uv run python -m benchmarks.tracking_scale --messages 100000 --loss 0.2
    uv run python -m benchmarks.tracking_scale --plot docs/images/tracking_scale.svg

The ways: one request a message (`one by one`), searches that show 1,296 neighbouring messages (`together`), callbacks of which some
are lost and no polling (`callbacks alone`), and callbacks with searches (`callbacks, together`). `tracking_model.py` says what is
modelled and what is left out; `docs/tracking.md` has the figures and tells how to read them.
"""

import argparse
import math
import resource
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from pathlib import Path

from benchmarks.tracking_model import HOUR, STEP, Tally, simulate
from benchmarks.tracking_plot import Panel, draw

FIGURES: Mapping[str, Callable[[Tally, int], str]] = {
    "requests": lambda tally, _: f"{tally.requests:,}",
    "requests a message": lambda tally, messages: f"{tally.requests / messages:.3f}",
    "requests a second, in the busiest ten": lambda tally, _: f"{tally.requests_at_peak:,.0f}",
    "lag, median": lambda tally, _: to_words(tally.lag(0.5)),
    "lag, 95 %": lambda tally, _: to_words(tally.lag(0.95)),
    "lag, 99 %": lambda tally, _: to_words(tally.lag(0.99)),
    "never reported": lambda tally, messages: f"{tally.never:,} ({tally.never / messages:.1%})",
    "open messages at the peak": lambda tally, _: f"{tally.open_at_peak:,}",
}
"""The rows of the table."""


def to_table(tallies: Mapping[str, Tally], messages: int, *, together: float, alone: float) -> str:
    """What was found out, as Markdown. The lag is that of the messages that were reported.

    Args:
        tallies: Way to what it came to.
        messages: How many there were.
        together: Bytes that a tracker takes for an open message that is read with others.
        alone: Bytes for one that is read by a request of its own.
    """
    lines = [["", *tallies], ["---", *["---:"] * len(tallies)]]
    lines += [[name, *(show(tally, messages) for tally in tallies.values())] for name, show in FIGURES.items()]
    sizes = ((alone if way == "one by one" else together) * tally.open_at_peak / 2**20 for way, tally in tallies.items())
    lines.append(["memory for them", *(f"{size:,.0f} MiB" for size in sizes)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def to_words(seconds: float) -> str:
    """A duration with two digits or so."""
    if math.isnan(seconds):
        return "none"
    for unit, size in (("h", HOUR), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def to_plot(tallies: Mapping[str, Tally], messages: int) -> str:
    """Requests over time, and how late reports are, as SVG."""
    requests = Panel(
        "Requests a message so far",
        "time since the first message",
        {10: "10 s", 60: "1 min", 600: "10 min", HOUR: "1 h", 10 * HOUR: "10 h", 100 * HOUR: "100 h"},
        {1e-5: "0.00001", 1e-4: "0.0001", 0.001: "0.001", 0.01: "0.01", 0.1: "0.1", 1: "1", 10: "10"},
        [list(_requests_so_far(tally, messages)) for tally in tallies.values()],
    )
    lags = Panel(
        "Share of final statuses that are not reported yet",
        "time since the status was there",
        {0.1: "0.1 s", 1: "1 s", 10: "10 s", 60: "1 min", 600: "10 min", HOUR: "1 h", 10 * HOUR: "10 h"},
        {1e-4: "0.01 %", 0.001: "0.1 %", 0.01: "1 %", 0.1: "10 %", 1: "100 %"},
        [
            [(lag, 1 - reported / messages) for lag, reported in tally.lags_so_far() if reported < messages]
            for tally in tallies.values()
        ],
    )
    words = "; ".join(
        f"{name}: {tally.requests / messages:.3f} requests a message, {tally.never / messages:.1%} never reported"
        for name, tally in tallies.items()
    )
    return draw([requests, lags], list(tallies), title=f"Following {messages:,} messages", description=words)


def _requests_so_far(tally: Tally, messages: int) -> Iterator[tuple[float, float]]:
    """Points of the curve, a few for each power of ten; none where there are no requests."""
    following = 0.0
    for number, requests in enumerate(accumulate(tally.asked), start=1):
        if number * STEP >= following and requests:
            yield number * STEP, requests / messages
            following = number * STEP * 1.08


def main() -> None:
    """Read the options, simulate, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10_000_000)
    parser.add_argument("--rate", type=float, default=1000.0, help="messages accepted a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--loss", type=float, default=0.05, help="share of callbacks that never come")
    parser.add_argument("--bytes", type=float, default=400.0, help="memory of an open message that is read with others")
    parser.add_argument("--bytes-alone", type=float, default=700.0, help="memory of an open message that is read alone")
    parser.add_argument("--plot", type=Path, help="write an SVG here")
    options = parser.parse_args()
    said = 0

    def say(done: float) -> None:
        nonlocal said
        if int(done * 20) > said:
            said = int(done * 20)
            print(f"{done:.0%}", file=sys.stderr, flush=True)

    tallies = simulate(messages=options.messages, rate=options.rate, seed=options.seed, loss=options.loss, progress=say)
    print(to_table(tallies, options.messages, together=options.bytes, alone=options.bytes_alone))
    if options.plot is not None:
        options.plot.parent.mkdir(parents=True, exist_ok=True)
        options.plot.write_text(to_plot(tallies, options.messages), encoding="utf-8")
    print(f"\nThe simulation itself took at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB.")


if __name__ == "__main__":
    main()
