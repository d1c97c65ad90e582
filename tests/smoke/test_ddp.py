"""Two processes on the CPU train one captioning model through the seqlab command."""

import json
import math
from pathlib import Path

import pytest
import torch

from tests.smoke.command import TINY, seqlab

# One process runs them all, so that their fixture is made once.
pytestmark = pytest.mark.xdist_group("ddp")

TWO_PROCESSES = (
    *TINY,
    "data.source.num_val=5",
    "data.source.num_test=33",  # 3 batches: the processes do not have as many each
    "task.num_figures=2",
    "trainer=ddp",
    "trainer.accelerator=cpu",
    "trainer.devices=2",
    "trainer.precision=32-true",  # as the evaluation by one process
    "trainer.max_epochs=2",
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The run directory of two processes, and what they printed."""
    folder = tmp_path_factory.mktemp("ddp")
    ended = seqlab(folder, "train", *TWO_PROCESSES)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (run_dir,) = (folder / "runs" / "captioning" / "show_attend_tell").iterdir()
    return run_dir, ended.stdout


def test_both_processes_share_one_run(trained: tuple[Path, str]) -> None:
    run_dir, printed = trained
    assert (run_dir / "DONE").exists()
    assert printed.count("best checkpoint, epoch") == 1
    # 16 images with 5 captions in batches of 20 captions: 4 batches, 2 for each process.
    last = torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)
    assert last["global_step"] == 2 * 2
    predicted = (run_dir / "predictions" / "test.jsonl").read_text().splitlines()
    assert len({json.loads(line)["id"] for line in predicted}) == len(predicted) == 33


def test_metrics_equal_those_of_one_process(trained: tuple[Path, str]) -> None:
    run_dir, _ = trained
    of_two = json.loads((run_dir / "metrics.json").read_text())
    ended = seqlab(run_dir.parent, "eval", f"run={run_dir}", "trainer.accelerator=cpu", "threads=1")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    of_one = json.loads((run_dir / "metrics.json").read_text())
    names = [n for n, value in of_two.items() if n.startswith("test/") and value is not None]
    assert {"test/loss", "test/cider", "test/bleu4"} <= set(names)
    for name in names:
        if isinstance(of_two[name], str):
            assert of_one[name] == of_two[name]
        else:
            assert math.isclose(of_one[name], of_two[name], rel_tol=1e-5, abs_tol=1e-9), name
