"""Cityscapes (Cordts et al., 2016) in its official layout."""

from collections.abc import Iterator
from pathlib import Path

from seqlab.data.batches import VOID
from seqlab.data.label_maps import LabelledImages, LabelScheme, SegmentationSource
from seqlab.data.labelled_files import PairFiles, labelled_splits

# The number of each class in a label file, and its colour.
_CLASSES = {
    "road": (7, "#804080"),
    "sidewalk": (8, "#f423e8"),
    "building": (11, "#464646"),
    "wall": (12, "#66669c"),
    "fence": (13, "#be9999"),
    "pole": (17, "#999999"),
    "traffic_light": (19, "#faaa1e"),
    "traffic_sign": (20, "#dcdc00"),
    "vegetation": (21, "#6b8e23"),
    "terrain": (22, "#98fb98"),
    "sky": (23, "#4682b4"),
    "person": (24, "#dc143c"),
    "rider": (25, "#ff0000"),
    "car": (26, "#00008e"),
    "truck": (27, "#000046"),
    "bus": (28, "#003c64"),
    "train": (31, "#005064"),
    "motorcycle": (32, "#0000e6"),
    "bicycle": (33, "#770b20"),
}
_NUMBERS = dict.fromkeys((*range(34), 255), VOID)  # 255 stands for -1, a licence plate
_IMAGE, _LABELS = "_leftImg8bit", "_gtFine_labelIds"


class Cityscapes(SegmentationSource):
    """Street scenes of 50 cities with 19 classes that are scored; all else is void.

    The labels of the official test are not public: validation, 500 pictures, is what is compared.

    Args:
        folder: holds leftImg8bit/ and gtFine/, each with train/ and val/ and a folder per city.
    """

    scheme = LabelScheme(
        classes=tuple(_CLASSES),
        palette=tuple(colour for _, colour in _CLASSES.values()),
        values=_NUMBERS | {number: place for place, (number, _) in enumerate(_CLASSES.values())},
    )

    def __init__(self, *, folder: str) -> None:
        self.folder = Path(folder)

    def read(self) -> dict[str, LabelledImages]:
        problems: list[str] = []
        listed = {split: list(self._find(split, problems)) for split in ("train", "val")}
        return labelled_splits({**listed, "test": []}, self.scheme, problems)

    def _find(self, split: str, problems: list[str]) -> Iterator[PairFiles]:
        """The pairs of a split, also those of which only one file is there."""
        images, labels = self.folder / "leftImg8bit" / split, self.folder / "gtFine" / split
        names = {
            (path.parent.name, path.stem.removesuffix(suffix))
            for folder, suffix in ((images, _IMAGE), (labels, _LABELS))
            for path in folder.glob(f"*/*{suffix}.png")
        }
        if not names:
            problems.append(f"{images}: no folder of a city with a picture in it")
        for city, name in sorted(names):
            yield PairFiles(
                image_id=name,
                image=images / city / f"{name}{_IMAGE}.png",
                labels=labels / city / f"{name}{_LABELS}.png",
                listed_at=f"{self.folder}",
            )
