"""Features on the disk: a matrix with an index, written so that a kill loses little."""

import csv
import io
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqlab.config.errors import Problem, UserError
from seqlab.data.video_sources import Pair
from seqlab.run.rundir import atomic_file, atomic_write

Array = NDArray[np.float32]

PAIRS = "pairs.csv"


@dataclass(frozen=True)
class Features:
    """Features as they were written.

    Args:
        path: the folder.
        matrix: a row for each example, [N, D].
        index: what is known of each row: name, split, label, clips.
        source: where they come from.
        pairs: what the data set asks about its videos, if it is one of pairs.
    """

    path: Path
    matrix: Array
    index: list[dict[str, Any]]
    source: dict[str, Any]
    pairs: tuple[Pair, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the labels."""
        return tuple(self.source["classes"])


def read_features(path: Path) -> Features:
    """What `seqlab features` wrote into a folder.

    Raises:
        UserError: it is damaged.
    """
    try:
        content = json.loads((path / "index.json").read_text())
        matrix = np.load(path / "features.npy", mmap_mode="r")
        index, source = content["examples"], content["source"]
        pairs = _read_pairs(path / PAIRS)
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"cannot be read: {error}; remove it and run seqlab features again"
        raise UserError([Problem(key="features", given=str(path), message=message)]) from error
    if len(index) != len(matrix):
        message = f"has {len(matrix)} rows, but its index {len(index)}"
        raise UserError([Problem(key="features", given=str(path), message=message)])
    return Features(path, matrix, index, source, pairs)


def write_pairs(folder: Path, pairs: Sequence[Pair]) -> None:
    """Keep beside the features what a data set of pairs asks."""
    rows = [(pair.first, pair.second, int(pair.same), pair.fold) for pair in pairs]
    atomic_write(folder / PAIRS, _table(Pair._fields, rows))


def _read_pairs(path: Path) -> tuple[Pair, ...]:
    if not path.exists():
        return ()
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple(
        Pair(row["first"], row["second"], bool(int(row["same"])), int(row["fold"])) for row in rows
    )


def _table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Comma separated values with a heading."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue()


class FeatureWriter:
    """Writes features row by row; what was kept before a kill is not computed again.

    The rows lie in `features.part`. `progress.json` says how many of them count, and is replaced
    whole after they are on the disk: rows behind that number are of a chunk that was not finished.

    Args:
        folder: where to.
        source: where they come from; nothing of another source is gone on with.

    Attributes:
        num_done: chunks that are kept.

    Raises:
        UserError: the folder holds features of another source.
    """

    def __init__(self, folder: Path, source: Mapping[str, Any]) -> None:
        self.folder, self.source = folder, json.loads(json.dumps(source))
        self.num_done = self.num_rows = self.dim = 0
        for path in (self._progress, self.index_path):
            if path.exists():
                self._refuse_others(path)
        self.is_whole = (folder / "features.npy").exists()
        if self._progress.exists() and not self.is_whole:
            kept = json.loads(self._progress.read_text())
            self.num_done, self.num_rows, self.dim = kept["chunks"], kept["rows"], kept["dim"]
        if not self.is_whole:
            self._cut_back()

    @property
    def index_path(self) -> Path:
        return self.folder / "index.json"

    @property
    def _progress(self) -> Path:
        return self.folder / "progress.json"

    @property
    def _part(self) -> Path:
        return self.folder / "features.part"

    def _refuse_others(self, path: Path) -> None:
        before = json.loads(path.read_text())["source"]
        names = [name for name in self.source if self.source[name] != before.get(name)]
        if names:
            message = (
                f"holds features that differ in {', '.join(names)}; output=DIR keeps these "
                "elsewhere, or remove the folder"
            )
            problem = Problem(key="output", given=str(self.folder), message=message)
            raise UserError([problem])

    def _cut_back(self) -> None:
        """Forget the rows of a chunk that was not finished."""
        self.folder.mkdir(parents=True, exist_ok=True)
        size = 4 * self.num_rows * self.dim
        with self._part.open("ab") as file:
            if file.tell() < size:
                message = f"{self._part} is shorter than was kept; remove the folder"
                problem = Problem(key="output", given=str(self.folder), message=message)
                raise UserError([problem])
            file.truncate(size)

    def keep(self, rows: Array) -> None:
        """Keep the rows [N, D] of a chunk."""
        with self._part.open("ab") as file:
            file.write(np.ascontiguousarray(rows, np.float32).tobytes())
            file.flush()
        self.num_done += 1
        self.num_rows += len(rows)
        self.dim = rows.shape[1]
        numbers = {"chunks": self.num_done, "rows": self.num_rows, "dim": self.dim}
        atomic_write(self._progress, json.dumps({"source": self.source, **numbers}))

    def finish(self, index: Sequence[Mapping[str, Any]]) -> None:
        """Write the matrix and what is known of each of its rows."""
        content = {"source": self.source, "examples": list(index)}
        atomic_write(self.index_path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        names = list(index[0])
        known = [[row[name] for name in names] for row in index]
        atomic_write(self.folder / "index.csv", _table(names, known))
        with atomic_file(self.folder / "features.npy") as file:
            header = {"descr": "<f4", "fortran_order": False, "shape": (self.num_rows, self.dim)}
            np.lib.format.write_array_header_1_0(file, header)
            with self._part.open("rb") as rows:
                shutil.copyfileobj(rows, file)
        self._progress.unlink()
        self._part.unlink()
        self.is_whole = True
