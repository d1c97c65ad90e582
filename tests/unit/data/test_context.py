"""Pairs of patches in batches, from generated photos and from folders."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from seqlab.data.batches import ContextBatch
from seqlab.data.context import ContextDataModule
from seqlab.data.errors import DataError
from seqlab.data.image_collections import ImageSource
from seqlab.data.image_folders import ImageFolders
from seqlab.data.patch_cures import PatchCures
from seqlab.data.patches import STEPS, PatchGrid
from seqlab.data.synthetic.photo_images import PhotoImages


def photos() -> PhotoImages:
    return PhotoImages(num_train=6, num_val=3, num_test=0, size=(40, 44), aberration=0.0, seed=0)


def module_of(source: ImageSource, **changed: Any) -> ContextDataModule:
    settings: dict[str, Any] = {
        "grid": PatchGrid(patch_size=8, gap=4, jitter=1, most=(3, 3)),
        "cures": PatchCures(colour="none", downsampled_share=0.0, least_pixels=16, normalise=False),
        "pairs_per_position": 2,
        "grids_per_image": 2,
        "pixels": None,
        "in_memory": True,
        "batch_size": 4,
        "num_workers": 0,
        "seed": 1,
    }
    return ContextDataModule(source=source, **(settings | changed))


@pytest.fixture(scope="module")
def module() -> ContextDataModule:
    made = module_of(photos())
    made.setup()
    return made


def epoch_of(module: ContextDataModule, epoch: int) -> list[ContextBatch]:
    loader = module.train_dataloader()
    loader.set_epoch(epoch)
    return list(loader)


def same(first: list[ContextBatch], second: list[ContextBatch]) -> bool:
    return all(
        torch.equal(a.patches, b.patches) and torch.equal(a.pairs, b.pairs)
        for a, b in zip(first, second, strict=True)
    )


def test_pairs_are_of_one_image_and_lie_as_told(module: ContextDataModule) -> None:
    batches = epoch_of(module, 0)
    assert [len(batch.positions) for batch in batches] == [4 * 2 * 16, 2 * 2 * 16]
    for batch in batches:
        assert len(batch.image_ids) == len(batch.patches) == len(batch.centres)
        middle = batch.centres * torch.tensor([22.0, 20.0])  # pixels, right and down
        for (first, second), position in zip(
            batch.pairs.tolist(), batch.positions.tolist(), strict=True
        ):
            assert batch.image_ids[first] == batch.image_ids[second]
            right, down = (middle[second] - middle[first]).tolist()
            for moved, step in zip((down, right), STEPS[position], strict=True):
                assert abs(moved - 12 * step) < 2.001


def test_patches_are_what_the_photo_shows_where_the_centres_say(
    module: ContextDataModule,
) -> None:
    batch = epoch_of(module, 0)[0]
    for number in (0, 7, 20):
        image = module.image(batch.image_ids[number])
        right, down = batch.centres[number].tolist()
        left, top = round((right + 1) / 2 * 44 - 4), round((down + 1) / 2 * 40 - 4)
        assert torch.equal(batch.patches[number], image[:, top : top + 8, left : left + 8])


def test_training_changes_with_the_epoch_and_the_seed_and_evaluation_does_not(
    module: ContextDataModule,
) -> None:
    assert same(epoch_of(module, 3), epoch_of(module, 3))
    assert not same(epoch_of(module, 3), epoch_of(module, 4))
    other = module_of(photos(), seed=2)
    other.setup()
    assert not same(epoch_of(module, 3), epoch_of(other, 3))
    assert same(list(module.val_dataloader()), list(other.val_dataloader()))
    assert module.test_dataloader() == []


def test_workers_change_nothing(module: ContextDataModule) -> None:
    working = module_of(photos(), num_workers=1)
    working.setup()
    assert same(epoch_of(module, 1), epoch_of(working, 1))


def test_pictures_of_folders_are_found_below_resized_and_split(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    for number in range(10):
        at = tmp_path / ("deep/er" if number % 2 else "here")
        at.mkdir(parents=True, exist_ok=True)
        noise = chance.integers(0, 256, (30 + number, 50, 3), dtype=np.uint8)
        Image.fromarray(noise).save(at / f"{number}.png")
    (tmp_path / "notes.txt").write_text("no picture\n")
    source = ImageFolders(
        folders=[str(tmp_path)], shares=[0.6, 0.2, 0.2], split_seed=0, on_bad="error"
    )
    splits = source.read()
    names = [name for images in splits.values() for name in images.image_ids]
    assert [len(images) for images in splits.values()] == [6, 2, 2]
    assert sorted(names)[:2] == ["deep/er/1.png", "deep/er/3.png"]
    assert len(set(names)) == 10
    module = module_of(source, pixels=(3000, 6000), grids_per_image=1)
    module.setup()
    sizes = {module.image(name).shape[1:] for name in names}
    for height, width in sizes:
        assert height * width == pytest.approx((3000 * 6000) ** 0.5, rel=0.03)
    assert len(epoch_of(module, 0)[0].pairs) == 4 * 16


def test_what_cannot_be_read_is_named_or_left_out_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(4):
        Image.new("RGB", (40, 40), (number, 0, 0)).save(tmp_path / f"{number}.png")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    shares = [0.5, 0.25, 0.25]
    strict = ImageFolders(folders=[str(tmp_path)], shares=shares, split_seed=0, on_bad="error")
    with pytest.raises(DataError, match=r"broken\.jpg: cannot be read"):
        strict.read()
    lenient = ImageFolders(folders=[str(tmp_path)], shares=shares, split_seed=0, on_bad="skip")
    assert sum(len(images) for images in lenient.read().values()) == 4
    assert "1 files are left out" in caplog.text
    assert "broken.jpg" in caplog.text
    absent = ImageFolders(folders=["no/where"], shares=shares, split_seed=0, on_bad="skip")
    with pytest.raises(DataError, match="no/where: there is no such folder"):
        absent.read()


def test_images_without_room_for_a_grid_are_named(tmp_path: Path) -> None:
    for number, side in enumerate((40, 40, 15)):
        Image.new("RGB", (40, side)).save(tmp_path / f"{number}.png")
    source = ImageFolders(
        folders=[str(tmp_path)], shares=[1.0, 0.0, 0.0], split_seed=0, on_bad="error"
    )
    with pytest.raises(DataError, match=r"2\.png: 15 x 40 pixels, too small .* take 22 x 22"):
        module_of(source).setup()
    with pytest.raises(DataError, match=r"2\.png"):
        module_of(source).open_image(tmp_path / "2.png")
    resized = module_of(source, pixels=(500, 500))  # 22 x 23, or for the last 14 x 37
    resized.setup()
    assert resized.image("0.png").shape[1:] == (22, 22)
    assert resized.image("2.png").shape[1:] == (22, 59)
