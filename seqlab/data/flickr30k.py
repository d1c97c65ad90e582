"""Flickr30k (Young, Lai, Hodosh and Hockenmaier, 2014) in its official layout."""

from pathlib import Path

from seqlab.data.caption_files import (
    Listed,
    MissingImages,
    first_folder,
    make_splits,
    read_split_list,
    read_token_file,
)
from seqlab.data.karpathy import read_entries
from seqlab.data.sources import SPLITS, CaptionSource, CaptionSplit

_IMAGES = ("flickr30k_images", "flickr30k-images", "Images")


class Flickr30k(CaptionSource):
    """31,783 photographs with five captions each; the data set itself has no splits.

    Args:
        folder: holds flickr30k_images/ and results_20130124.token.
        splits: below the folder, Karpathy's dataset_flickr30k.json, or a folder with the lists
            train.txt, val.txt and test.txt, one image per line with or without .jpg, as in
            Flickr30k Entities.
        missing_images: whether listed images that are not there are an error or left out.
    """

    def __init__(self, *, folder: str, splits: str, missing_images: MissingImages) -> None:
        self.folder = Path(folder)
        self.splits = self.folder / splits
        self.missing_images: MissingImages = missing_images

    def read(self) -> dict[str, CaptionSplit]:
        problems: list[str] = []
        captions = read_token_file(self.folder / "results_20130124.token", problems)
        listed = (
            self._from_json(problems) if self.splits.suffix == ".json" else self._lists(problems)
        )
        images = first_folder(self.folder, _IMAGES)
        return make_splits(
            listed,
            captions,
            images.joinpath,
            problems=problems,
            missing_images=self.missing_images,
            data_set="Flickr30k",
        )

    def _from_json(self, problems: list[str]) -> dict[str, list[Listed]]:
        listed: dict[str, list[Listed]] = {split: [] for split in SPLITS}
        for where, split, name, _ in read_entries(self.splits, problems):
            listed[split].append(Listed(Path(name).name, where))
        return listed

    def _lists(self, problems: list[str]) -> dict[str, list[Listed]]:
        return {
            split: read_split_list(self.splits / f"{split}.txt", problems, suffix=".jpg")
            for split in SPLITS
        }
