"""Any data set in the JSON of Karpathy and Fei-Fei (2015), whose splits of COCO are the habit."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seqlab.data.caption_files import Listed, MissingImages, make_splits
from seqlab.data.errors import DataError
from seqlab.data.sources import SPLITS, CaptionSource, CaptionSplit

# restval is what COCO's validation set has left after val and test were taken: it is trained on.
_SPLIT_NAMES = {"train": "train", "restval": "train", "val": "val", "test": "test"}


class KarpathyJson(CaptionSource):
    """Images with captions and splits listed in one JSON file.

    Args:
        annotations: the JSON file, for example dataset_coco.json.
        images: the folder below which its file paths lie.
        missing_images: whether listed images that are not there are an error or left out.
    """

    def __init__(self, *, annotations: str, images: str, missing_images: MissingImages) -> None:
        self.annotations = Path(annotations)
        self.images = Path(images)
        self.missing_images: MissingImages = missing_images

    def read(self) -> dict[str, CaptionSplit]:
        problems: list[str] = []
        listed: dict[str, list[Listed]] = {split: [] for split in SPLITS}
        captions: dict[str, tuple[str, ...]] = {}
        for where, split, name, texts in read_entries(self.annotations, problems):
            listed[split].append(Listed(name, where))
            captions[name] = texts
        return make_splits(
            listed,
            captions,
            self.images.joinpath,
            problems=problems,
            missing_images=self.missing_images,
            data_set=self.annotations.stem,
        )


def read_entries(
    path: Path, problems: list[str]
) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Where an image is listed, its split, its path below the images and its captions.

    Args:
        path: the JSON file.
        problems: what is wrong with an entry is added here.

    Raises:
        DataError: the file cannot be read at all.
    """
    try:
        entries = json.loads(path.read_bytes())["images"]
    except OSError as error:
        raise DataError([f"{path}: {error.strerror}"]) from error
    except json.JSONDecodeError as error:
        raise DataError([f"{path}:{error.lineno}: not JSON ({error.msg})"]) from error
    except (UnicodeDecodeError, KeyError, TypeError) as error:
        raise DataError([f"{path}: not Karpathy's JSON, which has a list `images`"]) from error
    for number, entry in enumerate(entries):
        where = f"{path}: images[{number}]"
        try:
            name = f"{entry.get('filepath', '')}/{entry['filename']}".lstrip("/")
            split = _SPLIT_NAMES[entry["split"]]
            texts = tuple(_text(sentence) for sentence in entry["sentences"])
        except (KeyError, TypeError, AttributeError) as error:
            problems.append(
                f"{where}: wants filename, split ({', '.join(_SPLIT_NAMES)}) and sentences, "
                f"each with raw or tokens ({error!r})"
            )
            continue
        empty = [index for index, text in enumerate(texts) if not text]
        problems += [f"{where}.sentences[{index}]: the caption is empty" for index in empty]
        if not texts:
            problems.append(f"{where}: {name} has no captions")
        yield where, split, name, texts


def _text(sentence: dict[str, Any]) -> str:
    raw = sentence["raw"] if "raw" in sentence else " ".join(sentence["tokens"])
    return str(raw).strip()
