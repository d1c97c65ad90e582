"""Data sets of files: what is right is read, what is wrong is told, with file and line."""

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seqlab.data.errors import DataError
from seqlab.data.flickr8k import Flickr8k
from seqlab.data.flickr30k import Flickr30k
from seqlab.data.images import read_image, verify
from seqlab.data.karpathy import KarpathyJson

NAMES = [f"{number}.jpg" for number in range(6)]
LISTS = {"train": NAMES[:3], "dev": NAMES[3:4], "test": NAMES[4:]}


def _save(path: Path, size: tuple[int, int] = (20, 16)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    Image.fromarray(noise).save(path)


@pytest.fixture
def flickr8k(tmp_path: Path) -> Path:
    for name in NAMES:
        _save(tmp_path / "Images" / name)
    lines = [f"{name}#{n}\tCaption {n} of {name} .\n" for name in NAMES for n in (1, 0)]
    (tmp_path / "Flickr8k.token.txt").write_text("".join(lines))
    for split, names in LISTS.items():
        (tmp_path / f"Flickr_8k.{split}Images.txt").write_text("\n".join(names) + "\n\n")
    return tmp_path


def _problems(folder: Path) -> list[str]:
    with pytest.raises(DataError) as caught:
        Flickr8k(folder=str(folder), missing_images="error").read()
    return [problem.replace(f"{folder}/", "") for problem in caught.value.problems]


def test_flickr8k_is_read(flickr8k: Path) -> None:
    splits = Flickr8k(folder=str(flickr8k), missing_images="error").read()
    assert [len(splits[split].examples) for split in ("train", "val", "test")] == [3, 1, 2]
    example = splits["val"].examples[0]
    assert example.image_id == "3.jpg"
    assert example.captions == ("Caption 0 of 3.jpg .", "Caption 1 of 3.jpg .")
    assert splits["val"].images[0].shape == (3, 16, 20)


def test_the_archive_s_own_folder_is_found(flickr8k: Path) -> None:
    (flickr8k / "Images").rename(flickr8k / "Flicker8k_Dataset")
    assert len(Flickr8k(folder=str(flickr8k), missing_images="error").read()["test"].images) == 2


def test_all_problems_are_told_together(flickr8k: Path) -> None:
    with (flickr8k / "Flickr8k.token.txt").open("ab") as tokens:
        tokens.write(b"no id at all\n")  # 13
        tokens.write(b"5.jpg#7\t  \n")  # 14
        tokens.write(b"5.jpg#1\tSaid again .\n")  # 15
        tokens.write(b"5.jpg#8\tcaf\xe9\n")  # 16
        tokens.write(b"5.jpg 9\tNo number .\n")  # 17
    with (flickr8k / "Flickr_8k.trainImages.txt").open("a") as names:
        names.write("unknown.jpg\n3.jpg\n")  # 5 and 6, after an empty line
    whole = (flickr8k / "Images" / "0.jpg").read_bytes()
    (flickr8k / "Images" / "0.jpg").write_bytes(whole[: len(whole) // 2])
    (flickr8k / "Images" / "1.jpg").write_bytes(b"<html>404</html>")
    (flickr8k / "Images" / "4.jpg").write_bytes(b"")
    (flickr8k / "Images" / "5.jpg").unlink()

    problems = _problems(flickr8k)

    token, train = "Flickr8k.token.txt", "Flickr_8k.trainImages.txt"
    assert problems[:5] == [
        f"{token}:13: no caption id (name.jpg#0, then a tab) in 'no id at all'",
        f"{token}:14: the caption 5.jpg#7 is empty",
        f"{token}:15: the caption id 5.jpg#1 is also at {token}:11",
        f"{token}:16: not UTF-8 (unexpected end of data)",
        f"{token}:17: no caption id (name.jpg#0, then a tab) in '5.jpg 9\\tNo number .'",
    ]
    assert f"{train}:5: names unknown.jpg, which has no captions" in problems
    assert f"Flickr_8k.devImages.txt:1: 3.jpg is also listed at {train}:6" in problems
    cut = [problem for problem in problems if problem.startswith("Images/0.jpg")]
    assert "cannot be read as an image" in cut[0]
    assert cut[0].endswith(f"listed at {train}:1")
    assert any(p.startswith("Images/1.jpg: cannot be read") and "train" in p for p in problems)
    assert any(p.startswith("Images/4.jpg: cannot be read") and "test" in p for p in problems)
    assert "Images/5.jpg: no such image, listed at Flickr_8k.testImages.txt:2" in problems
    assert len(problems) == 11


def test_missing_files_are_told(flickr8k: Path) -> None:
    (flickr8k / "Flickr8k.token.txt").unlink()
    assert _problems(flickr8k)[0] == "Flickr8k.token.txt: No such file or directory"


def test_missing_images_are_left_out_on_demand(
    flickr8k: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("1.jpg", "4.jpg", "5.jpg"):
        (flickr8k / "Images" / name).unlink()
    with caplog.at_level(logging.WARNING):
        splits = Flickr8k(folder=str(flickr8k), missing_images="skip").read()
    assert [example.image_id for example in splits["train"].examples] == ["0.jpg", "2.jpg"]
    assert splits["test"].examples == ()
    assert [record.getMessage() for record in caplog.records] == [
        "Flickr8k: left out images that are not here; used 2 of 3 train, 1 of 1 val, 0 of 2 test"
    ]
    # What is there but broken is never left out in silence.
    (flickr8k / "Images" / "0.jpg").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"0\.jpg: cannot be read"):
        Flickr8k(folder=str(flickr8k), missing_images="skip").read()


def test_many_problems_are_shortened() -> None:
    text = str(DataError([f"line {n}" for n in range(25)], "a hint"))
    assert text.splitlines()[19:] == ["line 19", "... and 5 more problems", "a hint"]


def test_what_a_glance_misses_is_found_by_reading(flickr8k: Path) -> None:
    path = flickr8k / "Images" / "2.jpg"
    path.write_bytes(b"\xff\xd8\xff" + bytes(500) + b"\xff\xd9")  # like a JPEG at both ends
    images = Flickr8k(folder=str(flickr8k), missing_images="error").read()["train"].images
    with pytest.raises(DataError, match=r"2\.jpg: cannot be read.*trainImages\.txt:3"):
        images[2]
    steps: list[tuple[int, int]] = []
    problems = verify(images, lambda done, total: steps.append((done, total)))
    assert len(problems) == 1
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_pictures_are_upright_and_in_colour(tmp_path: Path) -> None:
    grey = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4) * 20)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    grey.save(tmp_path / "g.png", exif=exif)
    image = read_image(tmp_path / "g.png")
    assert image.shape == (3, 4, 3)
    np.testing.assert_array_equal(image[0], np.rot90(np.asarray(grey), k=-1))


def test_flickr30k_with_lists_and_with_json(flickr8k: Path) -> None:
    (flickr8k / "Images").rename(flickr8k / "flickr30k_images")
    (flickr8k / "Flickr8k.token.txt").rename(flickr8k / "results_20130124.token")
    (flickr8k / "splits").mkdir()
    for split, names in zip(("train", "val", "test"), LISTS.values(), strict=True):
        stems = "\n".join(name.removesuffix(".jpg") for name in names)
        (flickr8k / "splits" / f"{split}.txt").write_text(stems)
    entries = [
        {"filename": name, "split": split.replace("dev", "val"), "sentences": [{"raw": "x"}]}
        for split, names in LISTS.items()
        for name in names
    ]
    (flickr8k / "dataset_flickr30k.json").write_text(json.dumps({"images": entries}))
    read = [
        Flickr30k(folder=str(flickr8k), splits=splits, missing_images="error").read()
        for splits in ("splits", "dataset_flickr30k.json")
    ]
    for split, names in zip(("train", "val", "test"), LISTS.values(), strict=True):
        assert [example.image_id for example in read[0][split].examples] == names
        assert read[0][split].examples == read[1][split].examples
    assert read[0]["test"].examples[1].captions[0] == "Caption 0 of 5.jpg ."


def _karpathy(folder: Path, images: list[dict[str, object]]) -> KarpathyJson:
    (folder / "dataset.json").write_text(json.dumps({"images": images}))
    return KarpathyJson(
        annotations=str(folder / "dataset.json"), images=str(folder), missing_images="error"
    )


def test_karpathy_json(tmp_path: Path) -> None:
    entries: list[dict[str, object]] = []
    for n, split in enumerate(("train", "restval", "val", "test")):
        entry = {"filename": f"{n}.png", "filepath": "val2014", "split": split}
        entries.append(entry | {"sentences": [{"raw": f"A {n}."}, {"tokens": ["b", str(n)]}]})
        _save(tmp_path / "val2014" / f"{n}.png")
    splits = _karpathy(tmp_path, entries).read()
    assert [len(splits[split].examples) for split in ("train", "val", "test")] == [2, 1, 1]
    assert splits["train"].examples[1].image_id == "val2014/1.png"
    assert splits["train"].examples[1].captions == ("A 1.", "b 1")


def test_karpathy_json_problems(tmp_path: Path) -> None:
    _save(tmp_path / "0.png")
    entry = {"filename": "0.png", "split": "train", "sentences": [{"raw": "a"}, {"raw": " "}]}
    nowhere = {"filename": "1.png", "split": "val", "sentences": [{"raw": "b"}]}
    entries = [entry, {"filename": "2.png", "split": "dev", "sentences": []}, nowhere, entry]
    with pytest.raises(DataError) as caught:
        _karpathy(tmp_path, entries).read()
    file = tmp_path / "dataset.json"
    assert caught.value.problems == [
        f"{file}: images[0].sentences[1]: the caption is empty",
        f"{file}: images[1]: wants filename, split (train, restval, val, test) and sentences, "
        "each with raw or tokens (KeyError('dev'))",
        f"{file}: images[3].sentences[1]: the caption is empty",
        f"{file}: images[3]: 0.png is also listed at {file}: images[0]",
        f"{tmp_path}/1.png: no such image, listed at {file}: images[2]",
    ]
    file.write_text('{"images": [\n1,\n}')
    source = KarpathyJson(annotations=str(file), images="", missing_images="error")
    with pytest.raises(DataError, match=r"dataset\.json:3: not JSON"):
        source.read()
    file.write_text('{"annotations": []}')
    with pytest.raises(DataError, match="not Karpathy's JSON"):
        source.read()
