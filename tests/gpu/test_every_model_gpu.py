"""Every model of every task on a GPU, in bfloat16: python -m pytest -m gpu."""

import math
from pathlib import Path

import pytest
import torch

from seqlab.config import catalog
from seqlab.config.compose import compose
from seqlab.run.train import train

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
]
FEW = ("data.source.num_train=24", "data.source.num_val=6", "data.source.num_test=6")
ALGORITHMIC = ("data.num_train=30", "data.num_val=6", "data.num_test=6")
# Where the data that a task has by default is not what a model reads.
OTHER_DATA = {
    "feedforward": ("data=parity",),
    "ntm": ("data.difficulties=[1,5]", "data.test_difficulties=[6]"),
    "dnc": ("data.difficulties=[1,5]", "data.test_difficulties=[6]"),
}
PAIRS = [
    (task, model) for task in catalog.names("task") for model in catalog.fitting(task, "model")
]


@pytest.mark.parametrize(("task", "model"), PAIRS, ids=map("-".join, PAIRS))
def test_trains_and_is_tested_in_bf16(task: str, model: str, tmp_path: Path) -> None:
    few = ALGORITHMIC if task == "algorithmic" else FEW
    given = [f"task={task}", f"model={model}", *few, *OTHER_DATA.get(model, ())]
    given += ["debug=fast", "trainer=gpu", "task.num_figures=1", f"run_dir={tmp_path / 'run'}"]
    metrics = train(compose("train", given), given)
    numbers = [value for value in metrics.values() if isinstance(value, float)]
    assert numbers
    assert all(map(math.isfinite, numbers))
