"""What a sweep ranges over: overrides in Hydra's grammar, what is fixed and what varies."""

import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import (
    Glob,
    IntervalSweep,
    Override,
    RangeSweep,
    Sweep,
    ValueType,
)
from hydra.errors import HydraException

from seqlab.config.errors import Problem, UserError

# Keys of the sweep itself; all others are the jobs'.
OWN_KEYS = ("sweep", "launcher", "sweep_dir", "n_jobs")


@dataclass(frozen=True)
class Bounds:
    """Numbers between which a search may choose, both ends included.

    Args:
        low: smallest value.
        high: largest value.
        step: distance between values; None where all numbers between the ends are allowed.
        log: whether the logarithm is what is searched evenly.
        integer: whether only whole numbers are allowed.
    """

    low: float
    high: float
    step: float | None
    log: bool
    integer: bool


@dataclass(frozen=True)
class Axis:
    """One override that varies.

    Args:
        key: what stands before `=`, its prefix (`+`, `++`) included.
        values: what may stand after `=`; of an interval its two ends.
        bounds: where the values are numbers on a line.
    """

    key: str
    values: tuple[str, ...]
    bounds: Bounds | None = None

    @property
    def countable(self) -> bool:
        """Whether a grid can go through all values."""
        return self.bounds is None or self.bounds.step is not None

    @property
    def text(self) -> str:
        """What was asked for, the same however it was written."""
        shape = "" if self.bounds is None or self.countable else " interval"
        log = " log" if self.bounds is not None and self.bounds.log else ""
        return f"{self.key}={','.join(self.values)}{shape}{log}"


@dataclass(frozen=True)
class Space:
    """All overrides of a sweep's jobs in the order in which they were given.

    Args:
        parts: fixed overrides as text, and axes.
    """

    parts: tuple[str | Axis, ...]

    @property
    def axes(self) -> tuple[Axis, ...]:
        """What varies."""
        return tuple(part for part in self.parts if isinstance(part, Axis))

    @property
    def texts(self) -> list[str]:
        """All parts as text."""
        return [part.text if isinstance(part, Axis) else part for part in self.parts]

    def overrides(self, choice: Mapping[str, str]) -> tuple[str, ...]:
        """The overrides of one job.

        Args:
            choice: the value of each axis, by its key.
        """
        return tuple(
            f"{part.key}={choice[part.key]}" if isinstance(part, Axis) else part
            for part in self.parts
        )

    def grid(self) -> Iterator[dict[str, str]]:
        """Every combination of values, of an interval its ends; the last axis changes fastest."""
        for values in itertools.product(*(axis.values for axis in self.axes)):
            yield {axis.key: value for axis, value in zip(self.axes, values, strict=True)}

    def corners(self, is_group: Callable[[str], bool], limit: int) -> list[dict[str, str]]:
        """Combinations to look at before any job starts.

        All of them where they are few. Else, since a part fits or does not fit beside another part
        and a value is mostly right or wrong by itself: each combination of group choices, while
        the values of the other axes (of numbers the ends) are gone through side by side.

        Args:
            is_group: whether a key names a config group.
            limit: how many are few.
        """
        total = 1
        for axis in self.axes:
            total *= len(axis.values)
        if total <= limit:
            return list(self.grid())
        groups = [axis for axis in self.axes if is_group(axis.key)]
        others = {
            axis.key: axis.values if axis.bounds is None else (axis.values[0], axis.values[-1])
            for axis in self.axes
            if not is_group(axis.key)
        }
        pairs = list(itertools.product(*(axis.values for axis in groups)))
        rounds = max([len(pairs), *map(len, others.values())])
        return [
            {axis.key: v for axis, v in zip(groups, pairs[i % len(pairs)], strict=True)}
            | {key: values[i % len(values)] for key, values in others.items()}
            for i in range(rounds)
        ]


def fingerprint(texts: Sequence[str]) -> str:
    """A short name for a set of overrides, whatever their order."""
    return hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()[:10]


def split(
    overrides: Sequence[str], choices: Callable[[str], Sequence[str]]
) -> tuple[Space, list[str]]:
    """The space of the jobs, and the overrides of the sweep itself (those of OWN_KEYS).

    Args:
        overrides: the command line; of a key that stands twice the last counts, as in Hydra.
        choices: names of the yaml files of a config group, for `glob(...)`.

    Raises:
        UserError: all that cannot be read or swept.
    """
    parts: dict[str, str | Axis] = {}
    own: list[str] = []
    problems: list[Problem] = []
    for text in overrides:
        try:
            override = OverridesParser.create().parse_override(text)
            part = _axis(override, choices) if override.is_sweep_override() else text
        except (HydraException, ValueError) as error:
            problems.append(Problem(key=text, message=str(error).strip().splitlines()[0]))
            continue
        key = override.get_key_element()
        plain = override.key_or_group
        if plain.split(".")[0] in OWN_KEYS:
            if isinstance(part, Axis):
                problems.append(Problem(key=text, message=f"{plain} is one for all jobs"))
            own.append(text)
        elif plain in ("run_dir", "resume"):
            problems.append(
                Problem(
                    key=plain, message="a sweep gives each job its own; sweep_dir names the sweep's"
                )
            )
        else:
            parts.pop(key, None)
            parts[key] = part
    if problems:
        raise UserError(problems)
    return Space(tuple(parts.values())), own


def _axis(override: Override, choices: Callable[[str], Sequence[str]]) -> Axis:
    """The axis that an override with a sweep in it is."""
    key, swept = override.get_key_element(), override._value
    if isinstance(swept, IntervalSweep):
        return _interval(key, swept)
    if override.value_type is ValueType.GLOB_CHOICE_SWEEP and isinstance(swept, Glob):
        names = list(choices(override.key_or_group))
        values = tuple(swept.filter(names))
        if not values:
            raise ValueError(f"nothing matches; {override.key_or_group} has: {', '.join(names)}")
        return Axis(key, values)
    values = tuple(dict.fromkeys(override.sweep_string_iterator()))
    if not values:
        raise ValueError("has no values")
    if not isinstance(swept, RangeSweep):
        return Axis(key, values)
    # 0.1 + 0.1 + 0.1 is to read 0.3.
    values = tuple(repr(float(f"{float(v):.12g}")) if "." in v else v for v in values)
    return Axis(key, values, _range_bounds(values, _is_log(swept)))


def _interval(key: str, swept: IntervalSweep) -> Axis:
    low, high = swept.start, swept.end
    if low is None or high is None or not low < high:
        raise ValueError(f"an interval goes from a smaller to a larger number, not {low} to {high}")
    log = _is_log(swept)
    if log and low <= 0:
        raise ValueError(f"a logarithmic interval starts above 0, not at {low}")
    integer = isinstance(low, int) and isinstance(high, int)
    return Axis(key, (repr(low), repr(high)), Bounds(low, high, None, log, integer))


def _range_bounds(values: tuple[str, ...], log: bool) -> Bounds | None:
    """Bounds of evenly spaced values; None of a single one, which is no line."""
    numbers = sorted(float(value) for value in values)
    if len(numbers) == 1:
        return None
    integer = all(value.lstrip("-").isdigit() for value in values)
    step = numbers[1] - numbers[0]
    if log and not (integer and step == 1 and numbers[0] > 0):
        raise ValueError("a logarithmic range is of whole numbers above 0; use tag(log, interval)")
    return Bounds(numbers[0], numbers[-1], step, log, integer)


def _is_log(swept: Sweep) -> bool:
    unknown = swept.tags - {"log"}
    if unknown:
        raise ValueError(f"unknown tag {', '.join(sorted(unknown))}; log is the one there is")
    return "log" in swept.tags


def nearest_text(axis: Axis, value: Any) -> str:
    """What stands after `=` for a value that a search proposes."""
    if axis.bounds is None:
        return str(value)
    if axis.bounds.step is None:
        return str(int(value)) if axis.bounds.integer else repr(float(value))
    return min(axis.values, key=lambda text: abs(float(text) - float(value)))
