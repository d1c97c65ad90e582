"""Clips beside what was said of them: frames, probabilities over time, moving pictures."""

import math
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from seqlab.viz.style import COLOURS, VERBATIM, as_image, new_figure, save, styled

FRAME = 0.95  # inches, width of a frame
SHOWN = 8  # frames of a strip
NAMED = 3  # classes whose probability is drawn
LEAST_WIDTH = 160  # pixels of a moving picture
BAND = 22  # pixels below it


def clip_figure(
    frames: NDArray[Any],
    times: Sequence[float],
    starts: Sequence[float],
    probabilities: NDArray[Any],
    classes: Sequence[str],
    path: str | os.PathLike[str],
    *,
    truth: str | None = None,
) -> Figure:
    """Draw frames of a video, and below them the likeliest classes: over time, or of its one clip.

    Args:
        frames: [F, height, width, 3], bytes or numbers in 0 to 1.
        times: of the frames in seconds, F.
        starts: where the clips begin in seconds, N.
        probabilities: of the classes in each clip, [N, C].
        classes: their names, C.
        path: of the PNG.
        truth: name of the true class; None where it is not known.

    Raises:
        ValueError: numbers differ, or there is no frame.
    """
    counts = (len(frames), len(times), len(starts), len(classes))
    if not len(frames) or counts[:2] != (len(times),) * 2 or probabilities.shape != counts[2:]:
        raise ValueError(
            f"{counts[0]} frames at {counts[1]} times, {counts[2]} clips and {counts[3]} classes "
            f"do not fit probabilities {probabilities.shape}"
        )
    mean = probabilities.mean(axis=0)  # [C]
    best = np.argsort(-mean, kind="stable")[:NAMED]
    chosen = evenly(len(frames), SHOWN)
    tall = FRAME * frames.shape[1] / frames.shape[2]
    width, height = FRAME * len(chosen) + 0.6, tall + 1.9
    with styled():
        figure = new_figure(width, height)
        for place, index in enumerate(chosen):
            box = (
                (0.3 + FRAME * place) / width,
                (height - 0.45 - tall) / height,
                0.96 * FRAME / width,
                tall / height,
            )
            axes = figure.add_axes(box)
            axes.imshow(as_image(frames[index]), interpolation="nearest")
            axes.set_title(f"{times[index]:.1f} s", fontsize=7, pad=2)
            axes.set_axis_off()
        known = "" if truth is None else f", truth {truth}"
        title = f"{classes[best[0]]} {100 * mean[best[0]]:.0f} %{known}"
        figure.text(0.3 / width, 1 - 0.16 / height, title, weight="bold", **VERBATIM)
        axes = figure.add_axes((1.1 / width, 0.4 / height, (width - 1.5) / width, 0.9 / height))
        if len(starts) > 1:
            for colour, index in zip(COLOURS, best, strict=False):
                line = 100 * probabilities[:, index]
                axes.plot(starts, line, "o-", color=colour, markersize=3, label=classes[index])
            axes.set_xlabel("start of the clip in seconds")
            axes.set_ylabel("%")
            axes.set_ylim(-3, 103)
            axes.legend(loc="lower left", bbox_to_anchor=(0, 0.97), ncols=NAMED, borderpad=0)
        else:
            bars = axes.barh(range(len(best)), 100 * mean[best], color=COLOURS[0], height=0.6)
            axes.bar_label(bars, fmt="%.1f", size=7.5, padding=3)
            axes.set_yticks(range(len(best)), [classes[index] for index in best], **VERBATIM)
            axes.invert_yaxis()
            axes.set_xlim(0, 110)
            axes.set_xlabel("probability in %")
            axes.grid(False, axis="y")
        save(figure, path)
    return figure


def frame_rows(
    rows: Sequence[tuple[str, NDArray[Any]]],
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
) -> Figure:
    """Draw frames in rows below each other, each row with its name.

    Args:
        rows: name and frames of each, [F, height, width, 3] of bytes or numbers in 0 to 1, or
            [F, height, width] of numbers that are drawn from 0 to the largest of the row.
        path: of the PNG.
        title: above all.

    Raises:
        ValueError: there is no row.
    """
    if not rows:
        raise ValueError("there is no row of frames to draw")
    most = max(len(frames) for _, frames in rows)
    rate = max(frames.shape[1] / frames.shape[2] for _, frames in rows)
    left, top = 1.1, 0.3 if title else 0.1
    width = left + FRAME * most + 0.1
    height = top + (FRAME * rate + 0.06) * len(rows) + 0.1
    with styled():
        figure = new_figure(width, height)
        if title:
            figure.text(0.1 / width, 1 - 0.2 / height, title, weight="bold", **VERBATIM)
        for number, (name, frames) in enumerate(rows):
            bottom = height - top - (FRAME * rate + 0.06) * (number + 1)
            middle = (bottom + FRAME * rate / 2) / height
            figure.text(0.1 / width, middle, name, va="center", size=7.5, **VERBATIM)
            for place, frame in enumerate(frames):
                x = (left + FRAME * place) / width
                box = (x, bottom / height, 0.96 * FRAME / width, FRAME * rate / height)
                axes = figure.add_axes(box)
                if frame.ndim == 2:
                    largest = max(float(frames.max()), 1e-12)
                    axes.imshow(frame, cmap="inferno", vmin=0, vmax=largest)
                else:
                    axes.imshow(as_image(frame), interpolation="nearest")
                axes.set_axis_off()
        save(figure, path)
    return figure


def around_grey(values: NDArray[Any]) -> NDArray[np.float64]:
    """Signed numbers as colours: 0 is grey, the largest in size is 0 or 1."""
    largest = max(float(np.abs(values).max()), 1e-12)
    return (0.5 + 0.5 * values.astype(np.float64) / largest).clip(0.0, 1.0)


def evenly(count: int, wanted: int) -> list[int]:
    """Numbers of so many among `count`, from the first to the last, evenly spaced; all if fewer."""
    if count <= wanted:
        return list(range(count))
    return [round(place * (count - 1) / (wanted - 1)) for place in range(wanted)]


def save_moving_picture(
    frames: NDArray[np.uint8],
    said: Sequence[tuple[str, float]],
    path: str | os.PathLike[str],
    *,
    frame_rate: float,
) -> None:
    """Write a GIF of a video with what is said of each moment below it, in words and as a bar.

    Args:
        frames: [F, height, width, 3].
        said: class or caption, and its probability, at each frame, F.
        path: of the GIF; it appears whole or not at all.
        frame_rate: frames a second.

    Raises:
        ValueError: numbers differ, or there is no frame.
    """
    if len(frames) != len(said) or not len(frames):
        raise ValueError(f"{len(frames)} frames and {len(said)} answers: one of each, at least one")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    font = ImageFont.load_default(12)
    texts = [f"{name} {100 * probability:.0f} %" for name, probability in said]
    least = max(LEAST_WIDTH, *(math.ceil(font.getlength(text)) + 8 for text in texts))
    scale = -(-least // frames.shape[2])
    pictures = [
        _with_band(frame.repeat(scale, 0).repeat(scale, 1), text, probability)
        for frame, text, (_, probability) in zip(frames, texts, said, strict=True)
    ]
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".gif-") as folder:
        written = Path(folder) / "moving.gif"
        pictures[0].save(
            written,
            save_all=True,
            append_images=pictures[1:],
            duration=max(20, round(1000 / frame_rate)),
            loop=0,
        )
        written.replace(path)


def _with_band(frame: NDArray[np.uint8], text: str, probability: float) -> Image.Image:
    height, width = frame.shape[:2]
    picture = Image.new("RGB", (width, height + BAND), "white")
    picture.paste(Image.fromarray(frame), (0, 0))
    draw = ImageDraw.Draw(picture)
    if bar := round(probability * width):
        draw.rectangle((0, height, bar - 1, height + 3), fill=COLOURS[0])
    draw.text((4, height + 6), text, fill="black", font=ImageFont.load_default(12))
    return picture
