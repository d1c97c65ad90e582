"""The seqlab command on the real Multi30k: train a little, evaluate, translate lines of it."""

import json
import os
from pathlib import Path

import pytest

from tests.smoke.command import seqlab_here

DATA = Path(os.environ.get("SEQLAB_DATA", "data")).absolute()
TASK1 = DATA / "multi30k/data/task1"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not TASK1.is_dir(), reason="multi30k is not under SEQLAB_DATA"),
]

TINY = (
    "task=translation",
    "data=multi30k",
    f"paths.data={DATA}",
    "model.embedding_dim=8",
    "model.encoder_dim=8",
    "model.hidden_dim=16",
    "model.maxout_dim=8",
    "decoding=greedy",
    "task.decoding.max_length=6",
    "task.num_figures=1",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=1",
    "trainer.limit_train_batches=3",
    "trainer.limit_val_batches=1",
    "trainer.limit_test_batches=1",
    "threads=1",
)


def test_train_evaluate_predict(tmp_path: Path) -> None:
    ended = seqlab_here(tmp_path, "train", *TINY, "run_dir=run")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    before = json.loads((tmp_path / "run/metrics.json").read_text())
    assert {"test/bleu", "test/bleu_tokenised_lower", "test/bleu_signature"} <= set(before)

    limited = ("trainer.limit_test_batches=1", f"paths.data={DATA}", "threads=1")
    ended = seqlab_here(tmp_path, "eval", "run=run", *limited)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert json.loads((tmp_path / "run/metrics.json").read_text()) == before

    # As published, packed: capitals and full stops, which the run's own tokeniser parts.
    given = (f"input={TASK1}/raw/val.en.gz", "output=out", "batch_size=256", "threads=1")
    ended = seqlab_here(tmp_path, "predict", "run=run", *given)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    rows = [json.loads(line) for line in (tmp_path / "out/predictions.jsonl").open()]
    assert len(rows) == len((tmp_path / "out/predictions.txt").read_text().splitlines()) == 1014
    assert rows[0]["source"] == "A group of men are loading cotton onto a truck"
