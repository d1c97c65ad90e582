"""Use a run on what a person has."""

import glob
import json
import sys
from pathlib import Path

import torch
from lightning.fabric import Fabric
from omegaconf import DictConfig, OmegaConf
from rich.text import Text

from seqlab.config.errors import Problem, UserError
from seqlab.run.assemble import prepare_torch, read_checkpoint, reassemble
from seqlab.run.environment import sound_threads
from seqlab.run.rundir import RunDir, atomic_write
from seqlab.run.screen import Screen
from seqlab.tasks.base import Prediction


def predict(config: DictConfig) -> list[Prediction]:
    """Answer each input, show the answers and keep them, with their figures.

    Args:
        config: a validated config of `seqlab predict`.

    Raises:
        UserError: there is no such checkpoint or no such input.
    """
    prepare_torch(threads=config.threads or sound_threads())
    run_dir = RunDir(Path(config.run))
    inputs = find_inputs(config.input)
    saved = read_checkpoint(run_dir.path, config.checkpoint, list(config.allow))
    if config.decoding is not None:
        saved.config.task.decoding = OmegaConf.to_container(config.decoding, resolve=True)
    output = Path(config.output) if config.output is not None else run_dir.predictions
    output.mkdir(parents=True, exist_ok=True)
    parts = reassemble(saved, data_dir=config.paths.data, with_data=False)
    accelerator = config.trainer.accelerator
    task = parts.task.to(Fabric(accelerator=accelerator, devices=1).device).eval()
    screen = Screen()
    answers = []
    with torch.inference_mode():
        for answer in task.predict_inputs(inputs, parts.datamodule, output):
            answers.append(answer)
            screen.console.print(_shown(answer))
    _keep(answers, output / "predictions.jsonl")
    screen.line(f"{len(answers)} answers are in {output / 'predictions.jsonl'}")
    return answers


def find_inputs(given: str) -> list[str]:
    """The inputs that a person means by a file, a folder, a glob, or `-` for standard input.

    Raises:
        UserError: nothing is there.
    """
    if given == "-":
        found = [line.strip() for line in sys.stdin if line.strip()]
    elif Path(given).is_dir():
        found = sorted(str(path) for path in Path(given).iterdir() if path.is_file())
    else:
        matches = glob.glob(given, recursive=True)  # noqa: PTH207, it takes absolute patterns
        found = sorted({path for path in matches if Path(path).is_file()})
        found = found or ([given] if Path(given).is_file() else [])
    if not found:
        raise UserError([Problem(key="input", given=given, message="there is no such file")])
    return found


def _shown(answer: Prediction) -> Text:
    text = Text.assemble((answer.source, "dim"), "\n  ", (answer.text, "bold"))
    text.append(f"   log-probability {answer.log_probability:.2f}", style="dim")
    if answer.figure is not None:
        text.append(f"   {answer.figure}", style="cyan")
    return text


def _keep(answers: list[Prediction], path: Path) -> None:
    lines = [
        json.dumps(
            {
                "source": answer.source,
                "text": answer.text,
                "log_probability": answer.log_probability,
                "figure": None if answer.figure is None else str(answer.figure),
            },
            ensure_ascii=False,
        )
        for answer in answers
    ]
    atomic_write(path, "".join(f"{line}\n" for line in lines))
