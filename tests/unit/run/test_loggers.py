"""metrics.csv by hand, and the loggers read back by their own readers."""

import csv
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqlab.run.loggers import CsvLogger, TensorBoardLogger, WandbLogger, read_rows
from seqlab.run.rundir import RunDir


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    run_dir = RunDir(tmp_path / "captioning" / "show_tell" / "now")
    run_dir.create()
    return run_dir


def log_some(logger: Any) -> None:
    """As Lightning does: what belongs to a step is logged before the step is counted."""
    logger.log_metrics({"train/loss": 0.1, "epoch": 0}, step=0)
    logger.log_metrics({"train/loss": 1 / 3, "epoch": 0}, step=1)
    logger.log_metrics({"val/loss": 2.0, "val/bleu4": 0.25, "epoch": 0}, step=1)
    logger.log_metrics({"test/loss": 3.0, "epoch": 1}, step=2)


def test_columns_grow_and_numbers_are_exact(run_dir: RunDir) -> None:
    log_some(CsvLogger(run_dir=run_dir, flush_seconds=1000))
    assert run_dir.metrics_csv.read_text() == (
        "step,epoch,train/loss,val/loss,val/bleu4,test/loss\n"
        "1,1,0.1,,,\n"
        "2,1,0.3333333333333333,,,\n"
        "2,1,,2.0,0.25,\n"
        "2,1,,,,3.0\n"
    )


def test_rows_wait_until_a_validation_or_the_end(run_dir: RunDir) -> None:
    logger = CsvLogger(run_dir=run_dir, flush_seconds=1000)
    logger.flush()
    logger.log_metrics({"train/loss": 0.1, "epoch": 0}, step=0)
    assert read_rows(run_dir.metrics_csv) == []
    logger.log_metrics({"val/loss": 0.1, "epoch": 0}, step=0)
    assert len(read_rows(run_dir.metrics_csv)) == 2
    logger.log_metrics({"train/loss": 0.1, "epoch": 1}, step=1)
    logger.finalize("success")
    assert len(read_rows(run_dir.metrics_csv)) == 3


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_what_follows_a_checkpoint_is_forgotten(run_dir: RunDir, count: int) -> None:
    log_some(CsvLogger(run_dir=run_dir, flush_seconds=1000))
    rows = read_rows(run_dir.metrics_csv)
    resumed = CsvLogger(run_dir=run_dir, flush_seconds=1000)
    resumed.keep_rows(count)
    assert read_rows(run_dir.metrics_csv) == rows[:count]
    with run_dir.metrics_csv.open() as file:
        columns = next(csv.reader(file))
    assert (
        columns == ["step", "epoch", "train/loss", "val/loss", "val/bleu4"][: (2, 3, 3, 5)[count]]
    )


def test_a_file_that_was_cut_is_named(run_dir: RunDir) -> None:
    logger = CsvLogger(run_dir=run_dir, flush_seconds=1000)
    with pytest.raises(RuntimeError, match="has 0 rows and its checkpoint says 5"):
        logger.keep_rows(5)


def picture() -> np.ndarray:
    return np.linspace(0, 1, 8 * 6 * 3, dtype=np.float32).reshape(8, 6, 3)


def wandb_records(log: bytes) -> Iterator[bytes]:
    """The records of a .wandb file: LevelDB's log format after a header of seven bytes."""
    at, parts = 7, b""
    while at + 7 <= len(log):
        if 32768 - at % 32768 < 7:  # no header fits into the rest of the block
            at += 32768 - at % 32768
            continue
        _, length, kind = struct.unpack_from("<IHB", log, at)
        parts += log[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # a whole record, or the last part of one
            yield parts
            parts = b""


def test_wandb_offline_reads_back(run_dir: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    from wandb.proto import wandb_internal_pb2 as pb

    monkeypatch.setenv("WANDB_MODE", "offline")
    config = {"model": {"dropout": 0.5}, "seed": 3}
    logger = WandbLogger(run_dir=run_dir, config=config, project="seqlab", entity=None, tags=["a"])
    log_some(logger)
    logger.log_samples("test/samples", [(picture(), "a red circle")], step=2)
    logger.close(0)

    (file,) = run_dir.path.glob("wandb/offline-run-*/run-*.wandb")
    history: list[dict[str, str]] = []
    settings = ""
    for data in wandb_records(file.read_bytes()):
        record = pb.Record()
        record.ParseFromString(data)
        if record.HasField("run"):
            settings += "".join(f"{u.key}={u.value_json};" for u in record.run.config.update)
        if record.HasField("history"):
            items = record.history.item
            history.append({"/".join(i.nested_key) or i.key: i.value_json for i in items})
    assert "seed=3;" in settings
    assert 'model={"dropout":0.5}' in settings.replace(" ", "")
    assert [(row["step"], row["train/loss"]) for row in history if "train/loss" in row] == [
        ("1", "0.1"),
        ("2", "0.3333333333333333"),
    ]
    assert next(row for row in history if "val/bleu4" in row)["val/bleu4"] == "0.25"
    samples = next(row for row in history if any("test/samples" in key for key in row))
    assert "a red circle" in "".join(samples.values())
    assert (run_dir.path / "wandb_id.txt").read_text() in file.name


def test_tensorboard_reads_back(run_dir: RunDir) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logger = TensorBoardLogger(run_dir=run_dir, flush_seconds=30)
    log_some(logger)
    logger.log_samples("test/samples", [(picture(), "a red circle")], step=2)
    logger.close(0)

    found = EventAccumulator(str(run_dir.path / "tensorboard"))
    found.Reload()
    losses = [(event.step, event.value) for event in found.Scalars("train/loss")]
    assert losses == [(1, pytest.approx(0.1)), (2, pytest.approx(1 / 3))]
    assert found.Scalars("val/bleu4")[0].value == 0.25
    assert found.Images("test/samples/0")[0].width == 6
    (text,) = found.Tensors("test/samples/0/text_summary")
    assert b"a red circle" in text.tensor_proto.string_val[0]
