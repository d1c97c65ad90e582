"""The seqlab command keeps the best of several restarts, which then is a run like any other."""

import json
from pathlib import Path

from tests.smoke.command import TINY_RNN_SEARCH, seqlab_here


def test_the_kept_restart_is_evaluated_and_used(tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = ("train", *TINY_RNN_SEARCH, "restarts=2", "n_jobs=2", f"run_dir={run}")
    ended = seqlab_here(tmp_path, *words)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    record = json.loads((run / "restarts.json").read_text())
    values = {each["directory"]: each["value"] for each in record["restarts"]}
    assert values.keys() == {"restart_1", "restart_2"}
    assert values[record["winner"]] == max(values.values())  # BLEU
    metrics = json.loads((run / "metrics.json").read_text())
    kept = json.loads((run / record["winner"] / "metrics.json").read_text())
    assert metrics.items() >= kept.items()

    ended = seqlab_here(tmp_path, "eval", f"run={run}", "trainer.accelerator=cpu")
    assert ended.returncode == 0, ended.stderr
    assert json.loads((run / "metrics.json").read_text()) == metrics  # the same numbers, found anew
    line = json.loads((run / "predictions/test.jsonl").read_text().splitlines()[0])["source"]
    ended = seqlab_here(tmp_path, "predict", f"run={run}", "input=-", stdin=f"{line}\n")
    assert ended.returncode == 0, ended.stderr

    again = seqlab_here(tmp_path, "train", f"resume={run}")
    assert (again.returncode, "is done" in again.stdout) == (0, True)
