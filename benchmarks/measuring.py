"""What the benchmarks share: runs taken in turns, rates, peak memory, profiles and tables."""

import multiprocessing
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection

import psutil
import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

MATRIX = 2048  # side of the square product that the machine's rate is measured with

Work = Callable[[], object]


def seconds(function: Work) -> float:
    """How long a call takes, the work on a GPU included."""
    start = time.perf_counter()
    function()
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def take_turns(work: Mapping[str, Work], repeats: int) -> dict[str, float]:
    """Median seconds of each, run in turns so that what else the machine does falls on all.

    A first round warms up and does not count.
    """
    times: dict[str, list[float]] = {name: [] for name in work}
    for repeat in range(repeats + 1):
        for name, function in work.items():
            elapsed = seconds(function)
            if repeat > 0:
                times[name].append(elapsed)
    return {name: statistics.median(values) for name, values in times.items()}


def take_turns_with_product(
    work: Mapping[str, Work], repeats: int
) -> tuple[dict[str, float], float]:
    """As `take_turns`, and the machine's GFLOP/s in a large product that takes its turn too."""
    square = torch.randn(MATRIX, MATRIX)
    times = take_turns({**work, "product": lambda: square @ square}, repeats)
    return times, 2 * MATRIX**3 / times.pop("product") / 1e9


def count_gflop(function: Work) -> float:
    """Arithmetic of the matrix products of a call, those of its backward pass included."""
    with FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops() / 1e9


def peak_memory(make: Callable[[], Work]) -> float:
    """MB that a call adds at most to the resident memory of a fresh process, in one thread.

    Args:
        make: gives what is called, with all the data it needs; a function of a module, or a partial
            of one, since it is sent to the process.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_send_peak, args=(make, sender))
    child.start()
    sender.close()
    peak = receiver.recv()
    child.join()
    return peak


def _send_peak(make: Callable[[], Work], connection: Connection) -> None:
    torch.set_num_threads(1)
    function = make()
    process, done = psutil.Process(), threading.Event()
    before = peak = process.memory_info().rss

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.001):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    function()
    done.set()
    watcher.join()
    connection.send((peak - before) / 1e6)


def print_profile(function: Work) -> None:
    """Where the time of a call goes, by operator, in one thread."""
    torch.set_num_threads(1)
    function()
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        function()
    events = sorted(profiler.key_averages(), key=lambda event: -event.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in events)
    print()
    table = Table({"operator": (-36, ""), "calls": (7, ""), "ms": (9, ".1f"), "share": (8, ".1%")})
    for event in events[:12]:
        spent = event.self_cpu_time_total
        table.row(event.key, event.count, spent / 1000, spent / total)


class Table:
    """Prints its headings, then a row at a time.

    Args:
        columns: width and format of each column by its heading; a negative width aligns left.
    """

    def __init__(self, columns: Mapping[str, tuple[int, str]]) -> None:
        self.columns = list(columns.values())
        self._print(list(columns))

    def row(self, *values: object) -> None:
        """Print one row; fewer values leave the last columns empty."""
        formats = [kind for _, kind in self.columns][: len(values)]
        self._print([format(value, kind) for value, kind in zip(values, formats, strict=True)])

    def _print(self, cells: list[str]) -> None:
        widths = [width for width, _ in self.columns][: len(cells)]
        line = "".join(
            cell.rjust(width) if width > 0 else cell.ljust(-width)
            for cell, width in zip(cells, widths, strict=True)
        )
        print(line.rstrip(), flush=True)
