"""Captioned images of any source, in batches."""

import hashlib
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from lightning import LightningDataModule
from torch import Tensor

from seqlab.components.backbones.interface import Backbone
from seqlab.data import feature_cache, transforms
from seqlab.data.batches import CaptionBatch
from seqlab.data.caption_dataset import CaptionDataset, collate
from seqlab.data.errors import DataError
from seqlab.data.images import ImageFiles, read_image, verify
from seqlab.data.loading import ResumableLoader
from seqlab.data.plans import ByImage, LengthBuckets, Plan, Sequential
from seqlab.data.sources import SPLITS, CaptionSource, CaptionSplit
from seqlab.data.spec import CaptionSpec
from seqlab.data.transforms import Augmentation
from seqlab.data.vocabulary import Vocabulary, tokenise

log = logging.getLogger(__name__)

# How many times as many captions a batch of evaluation has: without gradients there is room, and
# each step of a search costs much the same for few images as for many.
_EVALUATION_BATCHES = 4


class CaptionDataModule(LightningDataModule):
    """Batches of captioned images.

    Args:
        source: reads the data set.
        image_size: height and width in pixels of what the network sees; the short side of a picture
            is resized to it and the middle cut out.
        augmentation: changes training pictures by chance: cut, mirrored or both; None for neither.
        min_count: how often the training captions use a word at least for it to be known.
        max_words: longer captions are not trained on, though scored against; None for no limit.
        batching: captions of like `length` together, or all captions of an `image`, so that it goes
            through the backbone once.
        batch_size: captions per training batch; four times as many in evaluation.
        num_workers: processes that load; 0 loads in the main one.
        seed: what order and augmentation are a function of.
    """

    batch_type: ClassVar = CaptionBatch

    def __init__(
        self,
        *,
        source: CaptionSource,
        image_size: int,
        augmentation: Augmentation | None,
        min_count: int,
        max_words: int | None,
        batching: Literal["length", "image"],
        batch_size: int,
        num_workers: int,
        seed: int,
    ) -> None:
        super().__init__()
        self.source = source
        self.image_size = image_size
        self.augmentation = augmentation
        self.min_count = min_count
        self.max_words = max_words
        self.batching = batching
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.seed = seed
        self._splits: dict[str, CaptionSplit] = {}
        self._datasets: dict[str, CaptionDataset] = {}
        self._spec: CaptionSpec | None = None

    @property
    def spec(self) -> CaptionSpec:
        """What the data says of itself, once it is set up."""
        if self._spec is None:
            raise RuntimeError("the data says what it is after setup()")
        return self._spec

    def setup(self, stage: str | None = None) -> None:
        """Read the data set, once.

        Raises:
            DataError: files are missing or malformed, no image is left to train on, or
                augmentation would make captions untrue.
        """
        if self._splits:
            return
        if self.augmentation is not None and not self.source.may_be_augmented:
            raise DataError(
                [f"data.augmentation={self.augmentation} would make these captions untrue"],
                "set data.augmentation=null",
            )
        self._splits = self.source.read()
        trained = self._training_words()
        if not trained:
            raise DataError(
                ["no caption of the training split is left"], "is the data set complete?"
            )
        self.adopt(
            CaptionSpec(
                words=Vocabulary.of(trained, min_count=self.min_count).words,
                image_height=self.image_size,
                image_width=self.image_size,
                max_length=max(map(len, trained)) + 1,
                split_hash=_hash(self._splits),
            )
        )

    def _training_words(self) -> list[list[str]]:
        examples = self._splits["train"].examples
        captions = [tokenise(text) for example in examples for text in example.captions]
        limit = self.max_words
        return [words for words in captions if limit is None or len(words) <= limit]

    def adopt(self, spec: CaptionSpec) -> None:
        """Number the words as the spec of a checkpoint does, once the data is set up."""
        if not self._splits:
            raise RuntimeError("a spec is adopted after setup()")
        vocabulary = Vocabulary(spec.words)
        kept = {split: data.features for split, data in self._datasets.items()}
        for name, split in self._splits.items():
            training = name == "train"
            self._datasets[name] = CaptionDataset(
                split,
                vocabulary,
                partial(
                    _prepare,
                    size=self.image_size,
                    augmentation=self.augmentation if training else None,
                    seed=self.seed,
                ),
                partial(transforms.fit_labels, size=self.image_size),
                self.max_words if training else None,
            )
            self._datasets[name].features = kept.get(name)
        self._spec = spec

    def num_images(self, split: str) -> int:
        """How many images a split has."""
        return len(self._splits[split].examples)

    def split(self, name: str) -> CaptionSplit:
        """The images of a split and their captions as they were read."""
        return self._splits[name]

    def features(self, split: str) -> feature_cache.KeptFeatures:
        """The kept features of a split, by the number of an image in it.

        Raises:
            RuntimeError: none are kept; see `keep_features`.
        """
        kept = self._datasets[split].features
        if kept is None:
            raise RuntimeError(f"no features of {split} are kept")
        return kept

    def keep_features(
        self,
        backbone: Backbone,
        cache_dir: Path,
        *,
        device: torch.device | None = None,
        on_progress: feature_cache.Progress | None = None,
    ) -> bool:
        """From now on give features that a frozen backbone computed once, instead of images.

        Args:
            backbone: the model's own.
            cache_dir: where features are kept, for all runs.
            device: where they are computed; by default a GPU where there is one.
            on_progress: told how many images are done, and of how many.

        Returns:
            False, and nothing changes, where the backbone is trained or images are augmented.
        """
        if not backbone.frozen or self.augmentation is not None:
            reason = (
                "training images are augmented" if backbone.frozen else "the backbone is trained"
            )
            log.info("features are computed anew for each batch: %s", reason)
            return False
        device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
        fit = partial(transforms.fit, size=self.image_size)
        transform = f"{transforms.DESCRIPTION}, {self.image_size}"
        present = [split for split in SPLITS if self.num_images(split)]
        total, done = sum(map(self.num_images, present)), 0
        for split in present:
            images = self._splits[split].images
            path = (
                cache_dir / "features" / f"{feature_cache.key_of(backbone, transform, images)}.npy"
            )
            report = _offset(on_progress, done, total)
            self._datasets[split].features = feature_cache.keep(
                backbone, images, fit, path, device=device, on_progress=report
            )
            done += len(images)
            if report:
                report(len(images), total)  # also where they were kept already
        return True

    def train_dataloader(self) -> ResumableLoader:
        """Training captions in an order of chance."""
        data = self._datasets["train"]
        plan: Plan
        if self.batching == "length":
            plan = LengthBuckets(data.lengths(), batch_size=self.batch_size, seed=self.seed)
        else:
            plan = ByImage(data.image_index, batch_size=self.batch_size, seed=self.seed)
        return self._loader("train", plan)

    def val_dataloader(self) -> ResumableLoader | list[CaptionBatch]:
        """Validation captions, image by image; none, and a warning, where there is no image."""
        return self._evaluation_loader("val")

    def test_dataloader(self) -> ResumableLoader | list[CaptionBatch]:
        """Test captions, image by image; none, and a warning, where there is no image."""
        return self._evaluation_loader("test")

    def _evaluation_loader(self, split: str) -> ResumableLoader | list[CaptionBatch]:
        if not self.num_images(split):
            log.warning("the %s split has no image here, so nothing is measured on it", split)
            return []
        index = self._datasets[split].image_index
        size = _EVALUATION_BATCHES * self.batch_size
        return self._loader(split, Sequential(index, batch_size=size))

    def _loader(self, split: str, plan: Plan) -> ResumableLoader:
        return ResumableLoader(self._datasets[split], plan, collate, num_workers=self.num_workers)

    def image(self, image_id: str) -> Tensor:
        """An image of any split as evaluation sees it, [3, height, width] in [0, 1]."""
        for split in self._splits.values():
            for number, example in enumerate(split.examples):
                if example.image_id == image_id:
                    return transforms.fit(split.images[number], self.image_size)
        raise KeyError(f"no image is named {image_id}")

    def open_image(self, path: Path) -> Tensor:
        """A file's image as evaluation sees it, [3, height, width] in [0, 1]; needs no setup."""
        return transforms.fit(read_image(path), self.image_size)

    def check(self, on_progress: Callable[[int, int], None] | None = None) -> list[str]:
        """Problems that reading every image file to its end shows."""
        self.setup()
        problems = []
        for split in self._splits.values():
            if isinstance(split.images, ImageFiles):
                problems += verify(split.images, on_progress)
        return problems


def _prepare(
    image: Tensor,
    epoch: int,
    number: int,
    *,
    size: int,
    augmentation: Augmentation | None,
    seed: int,
) -> Tensor:
    if augmentation is None:
        return transforms.fit(image, size)
    generator = np.random.default_rng([seed, epoch, number])
    return transforms.augment(image, size, augmentation, generator)


def _offset(
    on_progress: feature_cache.Progress | None, before: int, total: int
) -> feature_cache.Progress | None:
    """Progress of one split told as progress of all."""
    if on_progress is None:
        return None
    return lambda done, _: on_progress(before + done, total)


def _hash(splits: dict[str, CaptionSplit]) -> str:
    digest = hashlib.sha256()
    for name in SPLITS:
        for example in splits[name].examples:
            digest.update("\t".join((name, example.image_id, *example.captions)).encode() + b"\n")
    return digest.hexdigest()
