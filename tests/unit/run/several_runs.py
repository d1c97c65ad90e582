"""What the tests of several seeds and of restarts share: commands that train a stand-in."""

import json
import sys
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

FAKE = (sys.executable, str(Path(__file__).with_name("sweep_fake_train.py")))


def config(folder: Path, **changes: Any) -> DictConfig:
    """The config of a command whose runs are kept in a folder."""
    values = {
        "seed": 4,
        "seeds": None,
        "restarts": None,
        "select": "val",
        "n_jobs": 1,
        "run_dir": str(folder),
        "resume": None,
        "threads": 1,
        "allow": ["sweep_fake_train"],
        "task": {"_target_": "sweep_fake_train.FakeTask"},
    }
    return OmegaConf.create({**values, **changes})


def write_plan(folder: Path, **seeds: dict[str, str]) -> str:
    """The override that gives some seeds keys of their own, as `seed_4={"fail": "always"}`."""
    path = folder / "plan.json"
    path.write_text(json.dumps({name.removeprefix("seed_"): each for name, each in seeds.items()}))
    return f"plan={path}"


def starts(run: Path) -> list[list[str]]:
    """The words of each start of a run of the stand-in."""
    path = run / "starts.txt"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []
