"""Stands for `seqlab train` in the tests of sweeps: the same files and signals, and no torch.

Keys: `lr` (the score grows by it each epoch), `epochs`, `seconds` of an epoch, `fail` = once or
always, `score` = nan to end without a number, `loss` of training, `plan` = a JSON file that has
other keys for some seeds.
"""

import json
import signal
import sys
import time
from pathlib import Path


class FakeTask:
    """What such a run says that it is trained for."""

    monitor, mode, example_input = "val/score", "max", "lines.txt"


def read_arguments() -> tuple[Path, dict[str, str]]:
    given = dict(word.split("=", 1) for word in sys.argv[2:])
    if "resume" in given:
        directory = Path(given["resume"].strip("'"))
        given = json.loads((directory / "config.yaml").read_text())
    else:
        directory = Path(given.pop("run_dir").strip("'"))
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "config.yaml").write_text(json.dumps(given))
    if "plan" in given:
        given |= json.loads(Path(given["plan"]).read_text()).get(given["seed"], {})
    return directory, given


def write_results(directory: Path, given: dict[str, str], score: float) -> None:
    """What a run leaves beside its metrics."""
    for name in ("checkpoints/best.ckpt", "checkpoints/last.ckpt", "predictions/test.jsonl"):
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{name} of seed {given.get('seed')}")
    (directory / "env.json").write_text(json.dumps({"seed": given.get("seed")}))
    metrics = {"val/score": score, "test/loss": -score, "test/score": score / 2}
    (directory / "metrics.json").write_text(json.dumps(metrics))
    (directory / "DONE").touch()


def main() -> int:
    assert sys.argv[1] == "train"
    directory, given = read_arguments()
    with (directory / "starts.txt").open("a") as file:
        file.write(" ".join(sys.argv[2:]) + "\n")
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    if given.get("fail") == "config":
        print("this key is wrong")
        return 2
    failed = directory / "failed"
    if given.get("fail") == "always" or (given.get("fail") == "once" and not failed.exists()):
        failed.touch()
        print("the disk is made of cheese")
        return 1
    table = directory / "metrics.csv"
    rows = table.read_text().splitlines() if table.exists() else ["step,epoch,val/score,train/loss"]
    lr = float(given.get("lr", 1))
    for epoch in range(len(rows), int(given.get("epochs", 2)) + 1):
        time.sleep(float(given.get("seconds", 0.01)))
        if stop:
            (directory / "saved").touch()
            return 130
        loss = float(given.get("loss", 1)) / epoch
        rows += [f"{10 * epoch},{epoch},{lr * epoch},{loss}"]
        table.write_text("\n".join(rows) + "\n")
    score = float(given.get("score", lr * (len(rows) - 1)))
    write_results(directory, given, score)
    return 0


if __name__ == "__main__":
    sys.exit(main())
