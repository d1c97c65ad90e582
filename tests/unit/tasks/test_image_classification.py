"""Images classified by a rule: the objective, what an evaluation says, and what a person gets."""

import json
import math
from functools import partial
from pathlib import Path

import pytest
import torch
from lightning import LightningDataModule, Trainer
from torch import Tensor, nn

from seqlab.data.batches import ImageBatch
from seqlab.data.errors import DataError
from seqlab.data.loading import ResumableLoader
from seqlab.data.spec import ImageSpec
from seqlab.models.interfaces import ImageClassifier
from seqlab.run.outcome import evaluate_split, keep_predictions
from seqlab.tasks.base import Schedule
from seqlab.tasks.image_classification import ImageClassificationTask

CLASSES = ("red", "green", "blue")
# Of each image how much there is of each colour, and its labels.
COLOURS = ((0.9, 0.1, 0.2), (0.8, 0.7, 0.1), (0.1, 0.2, 0.9), (0.6, 0.5, 0.1))
SINGLE = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 0))
SEVERAL = ((1, 0, -1), (1, 1, 0), (0, 0, 1), (0, 1, 0))


class Colours(ImageClassifier):
    """Scores a colour by how much there is of it, 0 where it is half."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(4.0))

    def forward(self, images: Tensor) -> Tensor:
        return self.scale * (images.mean(dim=(2, 3)) - 0.5)


class Images(LightningDataModule):
    def __init__(self, labels: tuple[tuple[int, ...], ...], several: bool) -> None:
        super().__init__()
        self.labels, self.spec = labels, ImageSpec(CLASSES, several, 4, 4, "hash")

    def batch(self, keys: list[int]) -> ImageBatch:
        return ImageBatch(
            tuple(f"{key}.jpg" for key in keys),
            torch.tensor([COLOURS[key] for key in keys])[:, :, None, None].expand(-1, -1, 4, 4),
            torch.tensor([self.labels[key] for key in keys]),
        )

    def batches(self, epoch: int) -> list[list[int]]:
        return [[0, 1, 2], [3]]

    def test_dataloader(self) -> ResumableLoader:
        return ResumableLoader(_Numbers(), self, self.batch, num_workers=0)

    def open_image(self, path: Path) -> Tensor:
        return self.batch([1]).images[0]


class _Numbers(torch.utils.data.Dataset[int]):
    def __getitem__(self, key: tuple[int, int]) -> int:
        return key[1]


def task(data: Images) -> ImageClassificationTask:
    return ImageClassificationTask(
        model=Colours(),
        spec=data.spec,
        optimizer=partial(torch.optim.SGD, lr=0.0),
        schedule=Schedule(),
        num_figures=3,
    ).eval()


@pytest.fixture
def trainer(tmp_path: Path) -> Trainer:
    return Trainer(
        accelerator="cpu",
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )


def sigmoid(amount: float) -> float:
    return 1 / (1 + math.exp(-4 * (amount - 0.5)))


def test_one_class_each(trainer: Trainer, tmp_path: Path) -> None:
    data = Images(SINGLE, several=False)
    module = task(data)
    found = evaluate_split(trainer, module, data, "test", seed=1, checkpoint=None)
    losses = [
        -math.log(math.exp(4 * amounts[row.index(1)]) / sum(math.exp(4 * a) for a in amounts))
        for amounts, row in zip(COLOURS, SINGLE, strict=True)
    ]
    assert found["test/loss"] == pytest.approx(sum(losses) / 4, rel=1e-5)
    assert found["test/accuracy"] == 3 / 4  # the second is said to be red
    assert "test/top5_accuracy" not in found
    outcome = module.train_batch(data.batch([1, 2]))
    assert outcome.objective.item() == pytest.approx((losses[1] + losses[2]) / 2, rel=1e-5)
    assert outcome.logged["accuracy"].item() == 0.5
    keep_predictions(trainer, module, tmp_path / "test.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "test.jsonl").read_text().splitlines()]
    assert [(row["answer"], row["label"]) for row in rows[:2]] == [("red", "red"), ("red", "green")]
    drawn = {path.name for path in module.draw(tmp_path)}
    assert drawn == {"photos.png", "classes.png", "confusion.png"}
    assert all((tmp_path / name).exists() for name in drawn)


def test_several_classes_each(trainer: Trainer, tmp_path: Path) -> None:
    data = Images(SEVERAL, several=True)
    module = task(data)
    found = evaluate_split(trainer, module, data, "test", seed=1, checkpoint=None)
    losses = [
        -math.log(sigmoid(amount) if label else 1 - sigmoid(amount))
        for amounts, row in zip(COLOURS, SEVERAL, strict=True)
        for amount, label in zip(amounts, row, strict=True)
        if label >= 0
    ]
    assert len(losses) == 11
    assert found["test/loss"] == pytest.approx(sum(losses) / 11, rel=1e-5)
    # All that is shown is scored above what is not, in each class, where what hides is left out.
    assert found["test/map"] == pytest.approx(1)
    assert found["test/voc_map"] == pytest.approx(1)
    assert "test/accuracy" not in found
    outcome = module.train_batch(data.batch([0, 3]))
    assert outcome.objective.item() == pytest.approx(sum(losses[:2] + losses[8:]) / 5, rel=1e-5)
    assert outcome.logged["accuracy"].item() == pytest.approx(3 / 5)  # red is said, green just not
    keep_predictions(trainer, module, tmp_path / "test.jsonl")
    second = json.loads((tmp_path / "test.jsonl").read_text().splitlines()[1])
    assert (second["answer"], second["label"]) == ("red, green", "red, green")
    (table,) = module.tables()
    assert [row[1].text for row in table.rows] == ["2", "2", "1"]
    assert {path.name for path in module.draw(tmp_path)} == {"photos.png", "classes.png"}


def test_files_get_classes_and_a_figure(tmp_path: Path) -> None:
    from PIL import Image

    data = Images(SEVERAL, several=True)
    Image.new("RGB", (5, 4)).save(tmp_path / "my photo.png")
    (answer,) = task(data).predict_inputs(
        iter([str(tmp_path / "my photo.png")]), data, tmp_path / "out", batch_size=2, figures=True
    )
    assert [each.text for each in answer.hypotheses] == ["red", "green", "blue"]
    assert math.exp(answer.hypotheses[0].log_probability) == pytest.approx(sigmoid(0.8), rel=1e-5)
    assert answer.record == {"shows": ["red", "green"]}
    assert answer.figure == tmp_path / "out" / "my_photo.png"
    assert answer.figure.exists()
    (tmp_path / "text.jpg").write_text("no picture")
    files = iter([str(tmp_path / "text.jpg")])
    answers = task(data).predict_inputs(files, data, tmp_path, batch_size=1, figures=False)
    with pytest.raises(DataError, match="cannot be read as an image"):
        next(answers)
