"""What a confusion matrix tells of each class, for tables and figures."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqlab.metrics.segmentation import iou_key
from seqlab.tasks.tables import Cell, Table


class ClassResult(NamedTuple):
    """The pixels of an evaluation by class and predicted class."""

    classes: tuple[str, ...]
    matrix: NDArray[Any]  # [C, C], rows by the truth; [0, 0] before an evaluation

    def absent(self) -> list[str]:
        """The classes that are neither labelled nor predicted."""
        seen = self.matrix.sum(axis=0) + self.matrix.sum(axis=1)  # [C]
        return [name for name, count in zip(self.classes, seen, strict=False) if not count]

    def ious(self) -> NDArray[np.float64]:
        """Intersection over union of each class, [C], NaN where there is nothing."""
        right = self.matrix.diagonal()  # [C]
        union = self.matrix.sum(axis=0) + self.matrix.sum(axis=1) - right  # [C]
        with np.errstate(invalid="ignore"):
            return right / union

    def table(self, split: str) -> Table:
        """A row for each class: how well it is told, and how much of it there is.

        Args:
            split: that was evaluated.
        """
        labelled = self.matrix.sum(axis=1)  # [C]
        with np.errstate(invalid="ignore"):
            found, shares = self.matrix.diagonal() / labelled, labelled / labelled.sum()  # [C]
        rows = tuple(
            (
                Cell(name),
                Cell(f"{100 * iou:.1f}", float(np.nan_to_num(iou))),
                Cell(f"{100 * recall:.1f}"),
                Cell(f"{100 * share:.1f}"),
            )
            for name, iou, recall, share in zip(
                self.classes, self.ious(), found, shares, strict=True
            )
        )
        columns = ("class", "IoU %", "found %", "of all pixels %")
        metrics = tuple(f"{split}/{iou_key(name)}" for name in self.classes)
        return Table(f"classes of {split}", columns, rows, metrics)
