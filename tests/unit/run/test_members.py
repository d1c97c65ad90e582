"""Ensembles of runs through eval and predict; the runs are untrained."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor

from seqlab.components.backbones.small_conv import SmallConv
from seqlab.config.compose import compose
from seqlab.config.errors import UserError
from seqlab.data.batches import CaptionBatch, TranslationBatch
from seqlab.models.ensemble import CaptioningEnsemble
from seqlab.models.interfaces import Sentences
from seqlab.run.assemble import assemble, read_checkpoint, reassemble, record_of
from seqlab.run.checkpoints import RECORD_KEY
from seqlab.run.evaluate import evaluate
from seqlab.run.members import place_of, read_members
from seqlab.run.predict import predict
from tests.smoke.command import TINY

SCENES = Path(__file__).parents[3] / "docs" / "scenes"
TRANSLATION = [
    "task=translation",
    "data.source.num_train=50",
    "data.source.num_val=6",
    "data.source.num_test=6",
    "task.decoding.max_length=4",
    "task.num_figures=0",
]
VARIANTS = {
    "one": ["seed=1"],
    "two": ["seed=2"],
    "blind": ["seed=3", "model=show_tell"],  # it does not attend
    "poor": ["data.min_count=40"],  # fewer words
    "search": ["seed=1", *TRANSLATION],
    "again": ["seed=2", *TRANSLATION],
    "coarse": ["seed=4", "model.backbone._target_=tests.unit.run.test_members.Coarse"],
}


class Coarse(SmallConv):
    """A backbone that says it has another stride."""

    def __init__(self, *, channels: int, pretrained: bool) -> None:
        super().__init__(channels=channels, pretrained=pretrained)
        self.stride *= 2


def make_run(folder: Path, overrides: list[str]) -> None:
    """A run directory as training leaves it, as far as others need it."""
    common = ["trainer.accelerator=cpu"] if set(TRANSLATION) <= set(overrides) else TINY
    config = compose("train", [*common, "allow=[tests]", *overrides])
    parts = assemble(config)
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "config.yaml").touch()
    content = {
        "state_dict": parts.task.state_dict(),
        "global_step": 7,
        RECORD_KEY: record_of(config, parts.spec).to_json(),
    }
    torch.save(content, folder / "checkpoints" / "best.ckpt")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of each variant."""
    folder = tmp_path_factory.mktemp("members")
    for name, overrides in VARIANTS.items():
        make_run(folder / name, overrides)
    return folder


@pytest.fixture
def evaluated(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, float]]:
    """Evaluate runs by name."""
    monkeypatch.setenv("PATH", "")  # no Java, whose start takes longer than all of this
    monkeypatch.setenv("SEQLAB_RUNS", str(tmp_path / "runs"))

    def run(*names: str, **changes: Any) -> dict[str, float]:
        return evaluate(config_of("eval", runs, *names, **changes))

    return run


def config_of(verb: str, runs: Path, *names: str, **changes: Any) -> Any:
    given = ",".join(str(runs / name) for name in names)
    settings = {"threads": 1, "trainer.accelerator": "cpu", "allow": "[tests]", **changes}
    return compose(verb, [f"run=[{given}]", *(f"{key}={value}" for key, value in settings.items())])


def contents(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_an_ensemble_is_measured_and_kept_apart(
    evaluated: Callable[..., dict[str, float]], runs: Path, tmp_path: Path
) -> None:
    before = contents(runs)
    found = evaluated("one", "two", num_figures=1)
    assert contents(runs) == before  # nothing is written to the members
    (folder,) = (tmp_path / "runs/captioning/ensembles").iterdir()
    assert json.loads((folder / "members.json").read_text()) == [
        str(runs / name) for name in ("one", "two")
    ]
    kept = json.loads((folder / "metrics.json").read_text())
    assert {name: value for name, value in kept.items() if not isinstance(value, str)} == found
    assert "test/caption_signature" in kept
    assert {
        "eval.log",
        "predictions/test.jsonl",
        "figures/test/captions.png",
    } <= contents(folder)

    def predicted(model: Any, batch: CaptionBatch) -> Tensor:
        features = model.backbone(batch.images)[batch.image_index]
        return model(features, batch.tokens, batch.lengths).logits

    expected = loss_of_mean([runs / "one", runs / "two"], predicted)
    assert found["test/loss"] == pytest.approx(expected, rel=1e-5)


def loss_of_mean(members: list[Path], predicted: Callable[[Any, Any], Tensor]) -> float:
    """Loss per test token of the mean of the members' probabilities, token by token."""
    saved = [read_checkpoint(member, "best", ["tests"]) for member in members]
    alone = [reassemble([each], data_dir="data", with_data=True) for each in saved]
    nll, count = 0.0, 0
    for batch in alone[0].datamodule.test_dataloader():
        models = [parts.task.eval().model for parts in alone]
        logits = torch.stack([predicted(model, batch).detach() for model in models])
        mean = logits.softmax(dim=-1).mean(dim=0)  # [B, T, V]
        for row, length in enumerate(batch.lengths.tolist()):
            for t in range(length):
                nll -= math.log(mean[row, t, batch.tokens[row, t + 1]])
                count += 1
    return nll / count


def test_translations_are_chosen_together_too(
    evaluated: Callable[..., dict[str, float]], runs: Path, tmp_path: Path
) -> None:
    def predicted(model: Any, batch: TranslationBatch) -> Tensor:
        source = Sentences(batch.source, batch.source_lengths)
        return model(source, batch.tokens, batch.lengths).logits

    found = evaluated("search", "again", num_figures=1)
    expected = loss_of_mean([runs / "search", runs / "again"], predicted)
    assert found["test/loss"] == pytest.approx(expected, rel=1e-5)
    (folder,) = (tmp_path / "runs/translation/ensembles").iterdir()
    assert (folder / "figures/test/alignment_test_1.png").exists()  # all of them attend


def test_one_run_in_a_list_is_that_run(
    evaluated: Callable[..., dict[str, float]], runs: Path, tmp_path: Path
) -> None:
    make_run(tmp_path / "single", VARIANTS["one"])
    found = evaluated(str(tmp_path / "single"), num_figures=0)
    assert (
        json.loads((tmp_path / "single/metrics.json").read_text())["test/loss"]
        == (found["test/loss"])
    )
    elsewhere = evaluated(str(tmp_path / "single"), num_figures=0, output=tmp_path / "else")
    assert elsewhere == found
    assert (tmp_path / "else/predictions/test.jsonl").exists()
    assert json.loads((tmp_path / "else/members.json").read_text()) == [str(tmp_path / "single")]


def test_results_of_other_runs_are_left_alone(runs: Path, tmp_path: Path) -> None:
    def place(*names: str, output: Path) -> Path:
        config = config_of("eval", runs, *names, output=output)
        return place_of(config, read_members(config)).path

    assert place("one", "two", output=tmp_path / "out") == tmp_path / "out"
    assert place("one", "two", output=tmp_path / "out") == tmp_path / "out"
    with pytest.raises(UserError, match="holds what was found of other runs"):
        place("two", "one", output=tmp_path / "out")
    with pytest.raises(UserError, match="is a run directory"):
        place("one", "two", output=runs / "one")
    with pytest.raises(UserError, match="is a run directory"):
        place("one", output=runs / "two")
    assert place("one", output=runs / "one") == runs / "one"


def test_members_are_of_one_task_and_one_vocabulary(runs: Path, tmp_path: Path) -> None:
    path = runs / "two" / "checkpoints" / "best.ckpt"
    content = torch.load(path, weights_only=True)
    record = json.loads(content[RECORD_KEY])
    record["config"]["task"]["_target_"] = "seqlab.tasks.other.OtherTask"
    record["config"]["choices"]["task"] = "other"
    content[RECORD_KEY] = json.dumps(record)
    (tmp_path / "checkpoints").mkdir()
    torch.save(content, tmp_path / "checkpoints" / "best.ckpt")
    with pytest.raises(UserError) as error:
        read_members(config_of("eval", runs, "one", "poor", str(tmp_path)))
    assert str(error.value) == (
        f"run: does not fit {runs / 'one'}: their data differ in words\n"
        f"  given: {runs / 'poor'}\n"
        "\n"
        f"run: is of the task other, but {runs / 'one'} is of captioning\n"
        f"  given: {tmp_path}"
    )


def test_feature_maps_that_do_not_fit_are_told(
    evaluated: Callable[..., dict[str, float]],
) -> None:
    with pytest.raises(UserError, match=r"these cannot be an ensemble: .* 8, 16 pixels"):
        evaluated("one", "coarse")


def test_an_ensemble_answers_what_a_person_gives(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQLAB_RUNS", str(tmp_path / "runs"))
    before = contents(runs)
    config = config_of("predict", runs, "one", "blind", input=f"{SCENES}/*.png")
    answers = predict(config)
    assert contents(runs) == before
    assert len(answers) == len(list(SCENES.glob("*.png")))
    assert all(answer.figure is None for answer in answers)  # one of the two does not attend
    (folder,) = (tmp_path / "runs/captioning/ensembles").iterdir()
    lines = (folder / "predictions/predictions.jsonl").read_text().splitlines()
    assert len(lines) == len(answers)


def test_the_first_run_says_how_is_searched(runs: Path) -> None:
    saved = read_members(config_of("eval", runs, "two", "blind"))
    saved[0].config.task.decoding.max_length = 3
    parts = reassemble(saved, data_dir="data", with_data=False)
    assert isinstance(parts.task.model, CaptioningEnsemble)
    assert parts.task.decoding.max_length == 3
    assert OmegaConf.select(saved[1].config, "task.decoding.max_length") == 4
