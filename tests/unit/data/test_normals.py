"""The data module of normals: its batches say what the photos said, mirrored with them."""

from typing import Any

import numpy as np
import pytest
import torch

from seqlab.data.errors import DataError
from seqlab.data.normal_maps import Facing, NormalsImages, NormalsSource
from seqlab.data.normals import NormalsDataModule, mean_normal
from seqlab.data.paired_transforms import PairedAugmentation
from seqlab.data.synthetic.photo_normals import PhotoNormals
from seqlab.data.synthetic.photos import take_photo

SIZE = (24, 32)


class Encoded(NormalsImages):
    """Images whose colours are their normals; in the first row nothing is known."""

    def __getitem__(self, index: int) -> Facing:
        colours = torch.randint(256, (3, 12, 18), generator=torch.Generator().manual_seed(index))
        normals = colours / 127.5 - 1
        normals = normals / normals.norm(dim=0)
        normals[:, 0], colours[:, 0] = 0, 7
        return Facing(colours.to(torch.uint8), normals)

    def size(self, index: int) -> tuple[int, int]:
        return 12, 18


class EncodedSource(NormalsSource):
    def read(self) -> dict[str, NormalsImages]:
        names = {"train": "abcd", "val": "ef", "test": ""}
        return {split: Encoded([*ids]) for split, ids in names.items()}


def augmentation(**changed: Any) -> PairedAugmentation:
    plain = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}
    settings = {"scale": (1.0, 1.0), "crop": False, "flip": False, **plain}
    return PairedAugmentation(**(settings | changed))


def module(source: NormalsSource, **changed: Any) -> NormalsDataModule:
    settings: dict[str, Any] = {
        "image_size": None,
        "crop_size": None,
        "augmentation": None,
        "batch_size": 2,
        "num_workers": 0,
        "seed": 1,
    }
    return NormalsDataModule(source=source, **(settings | changed))


def photos(**changed: Any) -> PhotoNormals:
    settings = {"num_train": 3, "num_val": 2, "num_test": 1, "size": SIZE, "aberration": 0.0}
    return PhotoNormals(**(settings | {"seed": 5} | changed))


def test_a_batch_says_what_the_photos_show() -> None:
    data = module(photos())
    data.setup()
    splits = (data.train_dataloader(), data.val_dataloader(), data.test_dataloader())
    seen: dict[str, tuple[Any, Any]] = {}
    for batch in (batch for split in splits for batch in split):
        seen |= {n: (i, t) for n, i, t in zip(*batch, strict=True)}
    assert sorted(seen) == [f"photo-5-{number:05d}" for number in range(6)]
    for name, (image, normals) in seen.items():
        photo = take_photo(5, int(name[-5:]), SIZE)
        np.testing.assert_allclose(image, photo.image / np.float32(255), rtol=1e-6)
        assert torch.equal(normals, photo.normals)
        assert torch.equal(data.image(name), image)
    assert data.check() == []


def test_a_mirrored_picture_has_mirrored_normals() -> None:
    """In a mirror what faced right faces left; the colours say what a pixel was."""
    data = module(
        EncodedSource(), augmentation=augmentation(flip=True, crop=True), crop_size=(9, 20)
    )
    data.setup()
    sides = []
    for epoch in range(6):
        loader = data.train_dataloader()
        loader.set_epoch(epoch)
        for image, normals in (pair for batch in loader for pair in zip(*batch[1:], strict=True)):
            known = normals.any(dim=0)
            assert not normals[:, ~known].any()
            vectors = 2 * image[:, known] - 1
            vectors = vectors / vectors.norm(dim=0)
            plain = torch.allclose(vectors, normals[:, known], atol=1e-4)
            mirrored = vectors * torch.tensor([-1.0, 1.0, 1.0])[:, None]
            assert plain != torch.allclose(mirrored, normals[:, known], atol=1e-4)
            # what lies beside the picture, 18 wide of 20, is not known
            assert known.any(dim=0).sum() == 18
            sides.append(plain)
    assert 4 < sum(sides) < 20


def test_normals_of_evaluation_stay_as_large_as_they_were() -> None:
    data = module(EncodedSource(), image_size=(6, 9))
    data.setup()
    (batch,) = data.val_dataloader()
    assert batch.images.shape == (2, 3, 6, 9)
    assert torch.equal(batch.normals[1], Encoded("ef")[1].normals)
    training = next(iter(data.train_dataloader()))
    assert training.images.shape == training.normals.shape == (2, 3, 6, 9)
    length = training.normals.norm(dim=1)  # the nearest pixel's: none is between two
    assert ((length - 1).abs().minimum(length) < 1e-6).all()
    assert data.test_dataloader() == []


def test_the_spec_has_the_mean_of_training_normals() -> None:
    data = module(photos(num_train=4))
    with pytest.raises(RuntimeError, match="after setup"):
        _ = data.spec
    data.setup()
    total = sum(take_photo(5, n, SIZE).normals.double().sum(dim=(1, 2)) for n in range(4))
    np.testing.assert_allclose(data.spec.mean_normal, total / total.norm(), rtol=1e-6)


def test_no_known_normal_is_told() -> None:
    class Blank(Encoded):
        def __getitem__(self, index: int) -> Facing:
            facing = super().__getitem__(index)
            return facing._replace(normals=torch.zeros_like(facing.normals))

    with pytest.raises(DataError, match="no normal of the training images is known"):
        mean_normal(Blank("ab"))


def test_a_photo_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match=r"from 16 to 1024 pixels, \[8, 32\] was given"):
        photos(size=(8, 32))
