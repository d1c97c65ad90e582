"""Flickr8k (Hodosh, Young and Hockenmaier, 2013) in its official layout."""

from pathlib import Path

from seqlab.data.caption_files import (
    MissingImages,
    first_folder,
    make_splits,
    read_split_list,
    read_token_file,
)
from seqlab.data.sources import CaptionSource, CaptionSplit

_LISTS = {
    "train": "Flickr_8k.trainImages.txt",
    "val": "Flickr_8k.devImages.txt",
    "test": "Flickr_8k.testImages.txt",
}
_IMAGES = ("Images", "Flicker8k_Dataset", "Flickr8k_Dataset")  # the official archive misspells it


class Flickr8k(CaptionSource):
    """8,000 photographs with five captions each: 6,000 to train, 1,000 each to validate and test.

    Args:
        folder: holds Images/, Flickr8k.token.txt and Flickr_8k.{train,dev,test}Images.txt.
        missing_images: whether listed images that are not there are an error or left out.
    """

    def __init__(self, *, folder: str, missing_images: MissingImages) -> None:
        self.folder = Path(folder)
        self.missing_images: MissingImages = missing_images

    def read(self) -> dict[str, CaptionSplit]:
        problems: list[str] = []
        captions = read_token_file(self.folder / "Flickr8k.token.txt", problems)
        listed = {
            split: read_split_list(self.folder / name, problems) for split, name in _LISTS.items()
        }
        images = first_folder(self.folder, _IMAGES)
        return make_splits(
            listed,
            captions,
            images.joinpath,
            problems=problems,
            missing_images=self.missing_images,
            data_set="Flickr8k",
        )
