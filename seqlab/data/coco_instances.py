"""Objects annotated as in COCO (Lin et al., 2014): polygons, or run lengths, in one JSON file."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqlab.data.errors import DataError
from seqlab.data.images import ImageFiles
from seqlab.data.instance_sources import Annotated, InstanceImages, InstanceSource, annotated

MOST_OBJECTS = 254  # of an image: training tells them apart by a byte
SLACK = 1.0  # pixels by which a box may leave its image, from rounding


class CocoInstances(InstanceSource):
    """Images with objects in COCO's format. Validation images are taken out of those for training.

    Args:
        folder: what the other paths start from.
        train_annotations: JSON file of the images to train on.
        train_images: their folder.
        test_annotations: JSON file of the images to test on; COCO's own val, since its test has no
            public annotations.
        test_images: their folder.
        num_val: how many images to validate on, spread evenly over those to train on.

    Raises:
        ValueError: num_val is below 0.
    """

    def __init__(
        self,
        *,
        folder: Path,
        train_annotations: str,
        train_images: str,
        test_annotations: str,
        test_images: str,
        num_val: int,
    ) -> None:
        if num_val < 0:
            raise ValueError(f"num_val is 0 or more, not {num_val}")
        self.folder = Path(folder)
        self.train = (train_annotations, train_images)
        self.test = (test_annotations, test_images)
        self.num_val = num_val
        self.classes = ()

    def read(self) -> dict[str, InstanceImages]:
        train, names = read_annotations(self.folder / self.train[0], self.folder / self.train[1])
        test, test_names = read_annotations(self.folder / self.test[0], self.folder / self.test[1])
        if names != test_names:
            problem = f"{self.folder / self.test[0]}: has other categories than {self.train[0]}"
            raise DataError([problem])
        if self.num_val >= len(train):
            problem = f"{self.folder / self.train[0]}: has {len(train)} images, which is too few"
            raise DataError([problem], f"data.source.num_val is {self.num_val}; ask for fewer")
        self.classes = tuple(names.values())
        taken = np.linspace(0, len(train), self.num_val, endpoint=False).astype(int).tolist()
        kept = sorted(set(range(len(train))) - set(taken))
        return {"train": train.some(kept), "val": train.some(taken), "test": test}


class CocoImages(InstanceImages):
    """Pictures in files, and the annotations of each.

    Args:
        rows: the entries of the images in the JSON file, checked.
        objects: the annotations of each image, checked.
        numbers: class of each category's id.
        folder: of the pictures.
        listed_at: the JSON file, for errors.
    """

    def __init__(
        self,
        rows: Sequence[Mapping[str, Any]],
        objects: Sequence[Sequence[Mapping[str, Any]]],
        numbers: Mapping[int, int],
        folder: Path,
        listed_at: Path,
    ) -> None:
        super().__init__([row["file_name"] for row in rows])
        self.rows, self.objects, self.numbers = rows, objects, numbers
        self.folder, self.listed_at = folder, listed_at
        paths = [folder / row["file_name"] for row in rows]
        self.files = ImageFiles(paths, [f"{listed_at} (image {row['id']})" for row in rows])

    def some(self, indices: Sequence[int]) -> "CocoImages":
        """These images alone."""
        rows, objects = [self.rows[n] for n in indices], [self.objects[n] for n in indices]
        return CocoImages(rows, objects, self.numbers, self.folder, self.listed_at)

    def __getitem__(self, index: int) -> Annotated:
        image = self.files[index]
        height, width = self.size(index)
        if image.shape[1:] != (height, width):
            path, (given_height, given_width) = self.files.paths[index], image.shape[1:]
            problem = (
                f"{path}: is {given_height} x {given_width} pixels, {self.listed_at} says "
                f"{height} x {width}"
            )
            raise DataError([problem])
        things = self.objects[index]
        masks = [_mask(thing["segmentation"], height, width) for thing in things]
        stacked = torch.stack(masks) if masks else torch.zeros(0, height, width, dtype=torch.bool)
        labels = [self.numbers[thing["category_id"]] for thing in things]
        return annotated(image, stacked, labels, [bool(thing.get("iscrowd")) for thing in things])

    def size(self, index: int) -> tuple[int, int]:
        return int(self.rows[index]["height"]), int(self.rows[index]["width"])

    def probe(self) -> list[str]:
        return self.files.probe()


def read_annotations(path: Path, folder: Path) -> tuple[CocoImages, dict[int, str]]:
    """The images of a JSON file, and the names of the categories by their ids.

    Args:
        path: of the file.
        folder: of the pictures.

    Raises:
        DataError: the file is missing or no JSON, or annotations are malformed; it names each.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        rows, things = content["images"], content["annotations"]
        names = {int(row["id"]): str(row["name"]) for row in content["categories"]}
        by_id = {row["id"]: row for row in rows if {"file_name", "height", "width"} <= row.keys()}
    except OSError as error:
        raise DataError([f"{path}: {error.strerror}"]) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError([f"{path}: is no file of COCO annotations ({error!r})"]) from error
    if len(by_id) < len(rows):
        problem = f"{path}: {len(rows) - len(by_id)} images are there twice or lack a name or size"
        raise DataError([problem])
    objects: dict[int, list[Any]] = {row["id"]: [] for row in rows}
    problems = []
    for thing in things:
        wrong = _problem(thing, by_id, names)
        if wrong:
            problems.append(f"{path}: annotation {thing.get('id')}: {wrong}")
        else:
            objects[thing["image_id"]].append(thing)
    problems += [
        f"{path}: image {image} has {len(found)} objects, more than {MOST_OBJECTS}"
        for image, found in objects.items()
        if len(found) > MOST_OBJECTS
    ]
    if problems:
        raise DataError(problems, "correct these annotations or take them out of the file")
    numbers = {category: number for number, category in enumerate(names)}
    listed = [objects[row["id"]] for row in rows]
    return CocoImages(rows, listed, numbers, folder, path), names


def _problem(thing: Mapping[str, Any], images: Mapping[int, Any], names: Mapping[int, str]) -> str:
    """What is wrong with an annotation, or nothing."""
    if thing.get("image_id") not in images:
        return f"is of image {thing.get('image_id')}, which the file does not list"
    if thing.get("category_id") not in names:
        return f"has category {thing.get('category_id')}, known are {sorted(names)[:8]} ..."
    image = images[thing["image_id"]]
    height, width = image["height"], image["width"]
    box = thing.get("bbox")
    if box is not None:
        if len(box) != 4 or box[2] < 0 or box[3] < 0:
            return f"bbox is left, top, width, height, not {box}"
        left, top, right, bottom = box[0], box[1], box[0] + box[2], box[1] + box[3]
        if min(left, top) < -SLACK or right > width + SLACK or bottom > height + SLACK:
            return f"box {box} lies outside its image of {width} x {height} pixels"
    shape = thing.get("segmentation")
    if isinstance(shape, dict):
        if list(shape.get("size", ())) != [height, width] or not shape.get("counts"):
            return f"run lengths are not of {height} x {width} pixels"
        return ""
    if not isinstance(shape, list) or not shape:
        return "has neither polygons nor run lengths"
    for polygon in shape:
        if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
            count = len(polygon) if isinstance(polygon, list) else 0
            return f"a polygon of {count} numbers; three points and more have six and more"
    return ""


def _mask(shape: Any, height: int, width: int) -> Tensor:
    """True on the pixels [height, width] of polygons or of run lengths."""
    coding = mask_coding()
    if isinstance(shape, list):
        coded = coding.merge(coding.frPyObjects(shape, height, width))
    elif isinstance(shape["counts"], list):
        coded = coding.frPyObjects(shape, height, width)
    else:
        coded = shape
    return torch.from_numpy(coding.decode(coded).astype(bool))


def mask_coding() -> Any:
    """The run lengths of pycocotools.

    Raises:
        DataError: it is not installed.
    """
    try:
        from pycocotools import mask
    except ImportError as error:
        raise DataError(
            ["COCO annotations need pycocotools"], "pip install 'seqlab[instances]'"
        ) from error
    return mask
