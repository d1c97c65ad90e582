"""Folders that have a folder for each class: what lies in them, and shares of it for each split."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from seqlab.data.errors import DataError
from seqlab.data.sources import SPLITS


def refuse_shares(shares: Sequence[float]) -> None:
    """Complain of what are no shares of train, val and test.

    Raises:
        ValueError: they do not sum to 1.
    """
    if len(shares) != len(SPLITS) or abs(sum(shares) - 1) > 1e-6 or min(shares) < 0:
        raise ValueError(f"shares are those of {', '.join(SPLITS)}, not {list(shares)}")


def files_of_classes(folder: Path, endings: Collection[str], things: str) -> dict[str, list[Path]]:
    """The files `CLASS/NAME` of each class, sorted.

    Args:
        folder: of the class folders.
        endings: that the files have, in small letters.
        things: what the files are, in the plural, for the error.

    Raises:
        DataError: there is no such folder, or it has fewer than two classes.
    """
    if not folder.is_dir():
        raise DataError([f"{folder}: there is no such folder"])
    found = {
        each.name: sorted(p for p in each.iterdir() if p.suffix.lower() in endings)
        for each in sorted(folder.iterdir())
        if each.is_dir()
    }
    found = {name: files for name, files in found.items() if files}
    if len(found) < 2:
        raise DataError(
            [f"{folder}: {len(found)} folders with {things}, where each class has its own"],
            f"{things} end in {', '.join(endings)}",
        )
    return found


def share_out(
    files: Mapping[str, Sequence[Path]], shares: Sequence[float], seed: int
) -> dict[str, list[tuple[Path, int]]]:
    """The files of each split with the numbers of their classes.

    Args:
        files: of each class.
        shares: of train, val and test, in each class.
        seed: what the split is a function of.
    """
    parts: dict[str, list[tuple[Path, int]]] = {split: [] for split in SPLITS}
    for label, own in enumerate(files.values()):
        order = np.random.default_rng([seed, label]).permutation(len(own))
        ends = np.round(np.cumsum(shares) * len(own)).astype(int)
        for split, chosen in zip(SPLITS, np.split(order, ends[:-1]), strict=True):
            parts[split] += [(own[index], label) for index in sorted(chosen)]
    return parts
