"""How a run's first weights differ from random ones: those of another run, and their scale."""

from itertools import islice
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.utilities import move_data_to_device
from omegaconf import DictConfig, OmegaConf

from seqlab.components.backbones.weights import WeightsError, read_trained_model
from seqlab.components.rescaling import rescale
from seqlab.config.errors import Problem, UserError
from seqlab.run.assemble import Parts
from seqlab.run.rundir import RunDir
from seqlab.run.screen import Screen

BACKBONE = "backbone."
NUM_BATCHES = 4  # that weights are rescaled by
_SHOWN = 4  # names in an error or a line


def start_from(config: DictConfig, parts: Parts, screen: Screen) -> None:
    """Take the weights of the backbone of another run, where the config names one.

    Raises:
        UserError: one of both has no backbone, or their backbones differ.
    """
    given = config.get("init_from")
    if given is None:
        return
    path = RunDir(Path(given)).best if Path(given).is_dir() else Path(given)
    try:
        found = read_trained_model(path, "init_from=RUN is a run directory or a checkpoint")
    except WeightsError as error:
        raise _refused(given, str(error)) from error
    own = parts.task.model.state_dict()
    offered = {name: tensor for name, tensor in found.items() if name.startswith(BACKBONE)}
    wanted = {name: tensor for name, tensor in own.items() if name.startswith(BACKBONE)}
    for tensors, whose, all_names in ((offered, path, found), (wanted, "this model", own)):
        if not tensors:
            parts_of = dict.fromkeys(name.partition(".")[0] for name in all_names)
            raise _refused(given, f"{whose} has no backbone, but {', '.join(parts_of)}")
    taken = {name: tensor for name, tensor in offered.items() if name in wanted}
    if not taken:
        message = (
            f"the backbones have nothing in common: {path} has {_few(offered)}, this model "
            f"{_few(wanted)}"
        )
        raise _refused(given, message)
    unlike = [
        f"{name} is {_size(tensor)} there and {_size(wanted[name])} here"
        for name, tensor in taken.items()
        if tensor.shape != wanted[name].shape
    ]
    if unlike:
        message = f"the backbone of {path} has other sizes than this model's: {_few(unlike, '; ')}"
        raise _refused(given, message)
    parts.task.model.load_state_dict(taken, strict=False)
    left = [name for name in wanted if name not in taken]
    anew = dict.fromkeys(name.partition(".")[0] for name in own if name not in wanted)
    line = f"{path}: {len(taken)} of {len(wanted)} tensors of the backbone are taken"
    line += f", not {_few(left)}" if left else ""
    screen.line(f"{line}; what starts anew: {', '.join(anew) or 'nothing'}")


def rescale_start(config: DictConfig, parts: Parts, screen: Screen) -> None:
    """Rescale the first weights by a few training batches, where the config says so.

    Raises:
        UserError: that is not defined for this model.
    """
    if not config.get("init_rescale"):
        return
    model, task = parts.task.model, parts.task
    batches = list(islice(iter(parts.datamodule.train_dataloader()), NUM_BATCHES))
    device = next(model.parameters()).device
    runs = [
        lambda batch=batch: task.train_batch(move_data_to_device(batch, device))
        for batch in batches
    ]
    names = [name for name, _ in model.named_parameters()]
    given = {name for name in names if name.startswith(BACKBONE)} if _has_learned(config) else set()
    was_training = task.training
    task.eval()
    try:
        with torch.enable_grad():
            done = rescale(model, runs, given=given, seed=config.seed)
    except ValueError as error:
        message = f"{type(model).__name__} cannot be rescaled: {error}"
        problem = Problem(key="init_rescale", given="true", message=message)
        raise UserError([problem]) from error
    finally:
        task.train(was_training)
    for what, layers in (
        ("mean 0 and variance 1", done.normalised),
        ("one rate", done.equalised),
        ("left alone, up to the last that is normalised or not trained", done.left_alone),
    ):
        if layers:
            screen.line(f"rescaled by {len(batches)} batches: {what}: {', '.join(layers)}")


def _has_learned(config: DictConfig) -> bool:
    """Whether the backbone starts with weights that were trained."""
    node: Any = OmegaConf.select(config, "model.backbone", default={}) or {}
    return bool(config.get("init_from") or node.get("weights") or node.get("pretrained"))


def _refused(given: str, message: str) -> UserError:
    return UserError([Problem(key="init_from", given=given, message=message)])


def _few(names: Any, between: str = ", ") -> str:
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return between.join(listed[:_SHOWN]) + more


def _size(tensor: torch.Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a number"
