"""What the task of translation scores, says, draws and trains on; its model is a dictionary."""

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sacrebleu
from lightning import Trainer

from seqlab.components.decoding.beam import Beam
from seqlab.config.errors import UserError
from seqlab.data.translation import TranslationDataModule
from seqlab.metrics.translation import bleu_by_length
from seqlab.run.outcome import evaluate_split, keep_predictions
from seqlab.tasks.translation import TranslationTask
from tests.unit.tasks.dictionary import (
    ALONE,
    CHOSEN,
    FALLBACK,
    SECOND,
    TEST,
    TOTAL,
    WORDS,
    lines,
    task,
)

REFERENCES = [reference for _, reference in TEST]


BEAM = Beam(beam_size=2, num_best=2, length_penalty=0.0, coverage_penalty=0.0, max_length=3)


def said(source: str) -> str:
    """The translation as a person would look it up."""
    return " ".join(WORDS.get(word, FALLBACK) for word in source.split())


def nll(source: str, target: str) -> float:
    """Negative log-likelihood of a target under the dictionary, word by word."""
    words = [*target.split(), "</s>"]
    looked_up = [WORDS.get(word, "?") for word in source.split()] + ["</s>"] * len(words)
    total = 0.0
    for word, here in zip(words, looked_up, strict=False):
        known = word in {*WORDS.values(), "</s>"}
        if word == here or (here == "?" and not known):  # the unknown for the unknown
            logit = CHOSEN
        else:
            logit = SECOND if word == FALLBACK else 0.0
        total -= logit - math.log(ALONE if here == FALLBACK else TOTAL)
    return total


@pytest.fixture
def data() -> TranslationDataModule:
    return lines()


@pytest.fixture
def trainer(tmp_path: Path) -> Trainer:
    return Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )


def evaluate(trainer: Trainer, module: TranslationTask, data: Any, split: str = "test") -> Any:
    return evaluate_split(trainer, module, data, split, seed=0, checkpoint=None)


def test_scores_are_those_of_sacrebleu_on_the_texts(
    trainer: Trainer, data: TranslationDataModule
) -> None:
    found = evaluate(trainer, task(data), data)
    texts, streams = [said(source) for source, _ in TEST], [REFERENCES]
    lower = [[text.lower() for text in stream] for stream in ([*texts], REFERENCES)]
    bleu = sacrebleu.corpus_bleu(texts, streams)
    lowered = sacrebleu.corpus_bleu(
        lower[0], lower[1:], tokenize="none", lowercase=True, force=True
    )
    assert 0 < bleu.score < 100
    expected = {
        "bleu": bleu.score,
        "bleu_tokenised_lower": lowered.score,
        "chrf": sacrebleu.corpus_chrf(texts, streams).score,
        "ter": sacrebleu.corpus_ter(texts, streams).score,
        "exact_match": 2 / 4,  # "dog", and the last
    }
    num_tokens = sum(len(target.split()) + 1 for target in REFERENCES)
    expected["loss"] = sum(nll(*pair) for pair in TEST) / num_tokens
    expected["perplexity"] = math.exp(expected["loss"])
    # Of the first sentence "den" is wrong: unknown, and not what was looked up. Of the third "das"
    # is, while for the zebra unknown is right.
    expected["token_accuracy"] = 1 - 2 / num_tokens
    for name, value in expected.items():
        assert found.pop(f"test/{name}") == pytest.approx(value, rel=1e-5), name
    version = f"version:{sacrebleu.__version__}"
    assert found.pop("test/bleu_signature") == (
        f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|{version}"
    )
    assert set(found) == {f"test/{n}_signature" for n in ("bleu_tokenised_lower", "chrf", "ter")}


def test_validation_leaves_out_what_takes_long(
    trainer: Trainer, data: TranslationDataModule
) -> None:
    module = task(data)
    (found,) = trainer.validate(module, dataloaders=data.test_dataloader(), verbose=False)
    assert "val/ter" not in found
    expected = sacrebleu.corpus_bleu([said(source) for source, _ in TEST], [REFERENCES]).score
    assert found["val/bleu"] == pytest.approx(expected, rel=1e-5)


def test_predictions_are_in_the_order_of_the_lines(
    trainer: Trainer, data: TranslationDataModule, tmp_path: Path
) -> None:
    batches = list(data.test_dataloader())
    longest_first = [name for batch in batches for name in batch.example_ids]
    assert len(batches) > 1
    assert longest_first != sorted(longest_first)
    module = task(data)
    evaluate(trainer, module, data)
    keep_predictions(trainer, module, tmp_path / "test.jsonl")
    kept = [json.loads(line) for line in (tmp_path / "test.jsonl").read_text().splitlines()]
    for number, (row, (source, reference)) in enumerate(zip(kept, TEST, strict=True), start=1):
        assert row.pop("log_probability") < 0
        assert row == {
            "id": f"test:{number}",
            "source": source,
            "translation": said(source),
            "references": [reference],
            "n_best": [],
        }


def test_n_best_lists(trainer: Trainer, data: TranslationDataModule) -> None:
    module = task(data, search=BEAM)
    evaluate(trainer, module, data)
    dog = module.predictions[1]
    word, end = math.log(ALONE), math.log(TOTAL)
    assert dog["translation"] == "Hund"
    assert dog["log_probability"] == pytest.approx(2 * CHOSEN - word - end, abs=1e-4)
    (second,) = dog["n_best"]
    # The next best are to say "Hund" again where the end stands, and to end at once.
    others = {"Hund Hund": 2 * CHOSEN + SECOND - word - 2 * end, "": -word}
    assert second["text"] == max(others, key=lambda text: others[text])
    assert second["log_probability"] == pytest.approx(max(others.values()), abs=1e-4)
    assert second["score"] == pytest.approx(second["log_probability"])


@pytest.mark.parametrize(
    ("replace", "written"), [(False, f"der {FALLBACK} rennt"), (True, "der zebra rennt")]
)
def test_unknown_words(
    replace: bool, written: str, trainer: Trainer, data: TranslationDataModule
) -> None:
    module = task(data, replace_unknown=replace)
    evaluate(trainer, module, data)
    assert module.predictions[2]["translation"] == written
    (answer,) = module.predict_inputs(
        iter(["the zebra runs"]), None, Path(), batch_size=2, figures=False
    )
    assert [hypothesis.text for hypothesis in answer.hypotheses] == [written]


def test_without_attention_nothing_can_be_copied(data: TranslationDataModule) -> None:
    with pytest.raises(UserError, match="does not attend, so there is nothing to copy") as raised:
        task(data, attends=False, replace_unknown=True)
    assert raised.value.problems[0].key == "task.replace_unknown"
    module = task(data, replace_unknown=True)  # an ensemble takes the model's place later
    module.model.attends = False
    with pytest.raises(UserError, match="nothing to copy"):
        list(module.predict_inputs(iter(["dog"]), None, Path(), batch_size=1, figures=False))


def test_without_attention_nothing_is_covered(data: TranslationDataModule) -> None:
    search = Beam(beam_size=2, num_best=2, length_penalty=0.0, coverage_penalty=0.5, max_length=3)
    with pytest.raises(UserError, match="does not attend, so nothing is ever covered") as raised:
        task(data, attends=False, search=search)
    assert raised.value.problems[0].key == "task.decoding.coverage_penalty"
    task(data, search=search)
    task(data, attends=False, search=BEAM)


@pytest.mark.parametrize("attends", [True, False])
def test_figures(
    attends: bool,
    trainer: Trainer,
    data: TranslationDataModule,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: dict[str, Any] = {}

    def alignment(sources: Any, targets: Any, weights: Any, path: Path) -> None:
        drawn[path.name] = (sources, targets, weights)

    def length(ranges: Any, scores: Any, counts: Any, path: Path, *, overall: float) -> None:
        drawn[path.name] = (ranges, scores, counts, overall)

    monkeypatch.setattr("seqlab.tasks.translated.alignment_figure", alignment)
    monkeypatch.setattr("seqlab.tasks.translation.length_figure", length)
    module = task(data, attends=attends)
    found = evaluate(trainer, module, data)
    names = [path.name for path in module.draw(tmp_path)]
    matrices = ["alignment_test_1.png", "alignment_test_2.png"] if attends else []
    assert names == [*matrices, "bleu_by_length.png"] == list(drawn)
    if attends:
        sources, targets, weights = drawn["alignment_test_1.png"]
        assert sources == [*TEST[0][0].split(), "<end>"]
        assert targets == said(TEST[0][0]).split()
        np.testing.assert_array_equal(weights, np.eye(5, 6))
    ranges, scores, counts, overall = drawn["bleu_by_length.png"]
    buckets = bleu_by_length(
        [len(source.split()) for source, _ in TEST],
        [said(source) for source, _ in TEST],
        [[reference] for reference in REFERENCES],
    )
    assert [*zip(ranges, counts, scores, strict=True)] == [
        ((b.shortest, b.longest), b.num_sentences, b.bleu) for b in buckets
    ]
    assert sum(counts) == len(TEST)
    assert overall == found["test/bleu"]


def test_figures_are_files(trainer: Trainer, data: TranslationDataModule, tmp_path: Path) -> None:
    module = task(data, num_figures=1)
    evaluate(trainer, module, data)
    for path in module.draw(tmp_path):
        assert path.read_bytes().startswith(b"\x89PNG")


def test_an_empty_split(trainer: Trainer, data: TranslationDataModule, tmp_path: Path) -> None:
    module = task(data)
    assert evaluate(trainer, module, data, "val") == {}
    assert module.predictions == []
    assert module.draw(tmp_path) == []


def test_what_fills_up_the_last_round_of_processes_does_not_count() -> None:
    """Of three batches two processes get two each, so that one batch comes twice."""
    data = lines([*TEST, ("the dog", "der Hund"), ("cat", "Kater")])
    batches = list(data.test_dataloader())
    assert len(batches) == 3
    counted, tokens, answered = [], 0, []
    for rank in (0, 1):
        module = task(data, num_figures=0)
        loader = SimpleNamespace(num_planned=3)
        module._trainer = SimpleNamespace(  # type: ignore[assignment]
            testing=True, world_size=2, global_rank=rank, test_dataloaders=loader
        )
        for index in (0, 1):
            module.test_step(batches[(2 * index + rank) % 3], index)
        scores = module.final_scores
        counted.append(sum(len(part) for part in scores.records))
        tokens += int(module.likelihood.num_tokens)
        answered.append({each["id"] for each in module.predictions})
    whole = task(data).final_scores
    for batch in batches:
        whole.update([said(text) for text in batch.source_texts], batch.references)
    assert sum(counted) == sum(len(part) for part in whole.records)
    assert tokens == sum(int(batch.lengths.sum()) for batch in batches)
    assert answered[0] & answered[1] == set(batches[0].example_ids)
    module._trainer = SimpleNamespace(world_size=2)  # type: ignore[assignment]
    assert module.draw(Path()) == []  # no curve of a share of the sentences
