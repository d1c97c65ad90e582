"""What a sweep found: the metric of its jobs over each setting that varied."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

_OTHERS, _BEST = "#9aa5b1", "#c2410c"
_LOG_RATIO = 30.0  # largest over smallest value from which an axis of numbers is logarithmic


def sweep_figure(
    settings: Mapping[str, Sequence[str]], scores: Sequence[float], metric: str
) -> Figure:
    """One panel per setting; the best job, which stands first, has a colour of its own.

    Args:
        settings: value of each job, best job first, by the name of the setting.
        scores: the metric of each job.
        metric: its name.

    Raises:
        ValueError: there is no job, or no setting.
    """
    if not scores or not settings:
        raise ValueError("a figure of a sweep needs at least one job and one setting")
    figure = Figure(figsize=(3.2 * len(settings) + 0.8, 3.2), layout="constrained")
    panels = figure.subplots(1, len(settings), sharey=True, squeeze=False)[0]
    for axes, (name, values) in zip(panels, settings.items(), strict=True):
        places = _place(axes, values)
        axes.scatter(places, scores, s=28, color=_OTHERS, zorder=2)
        axes.scatter(places[:1], scores[:1], s=60, color=_BEST, zorder=3, label="best")
        axes.set_xlabel(name)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel(metric)
    panels[0].legend(frameon=False)
    return figure


def _place(axes: Axes, values: Sequence[str]) -> list[float]:
    """Where values stand on the horizontal axis: numbers by size, all else by name."""
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        names = sorted(set(values))
        axes.set_xticks(range(len(names)), names)
        axes.set_xlim(-0.5, len(names) - 0.5)
        return [float(names.index(value)) for value in values]
    if min(numbers) > 0 and max(numbers) / min(numbers) >= _LOG_RATIO:
        axes.set_xscale("log")
    return numbers
