"""Pretrained weights of a backbone: read without running code, loaded without surprises."""

import pickle
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

import huggingface_hub.constants
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

MODEL = "model."  # what the names of a model's tensors begin with in the checkpoint of a run


class WeightsError(ValueError):
    """Pretrained weights that cannot be had; the text says what the user can do."""


def both_ways(name: str) -> str:
    """The two places that weights come from, to end an error with."""
    return (
        f"set `weights` to a local .safetensors or .pth file with the timm state dict of {name}, "
        "or to `hub` on a machine that reaches timm's hub or has them in its cache"
    )


@contextmanager
def quick_when_offline() -> Iterator[None]:
    """Let the hub's client go straight to its cache where its server's name is unknown.

    Left to itself it would ask again and again, most of a minute, before it looks there.
    """
    constants = huggingface_hub.constants
    before = constants.HF_HUB_OFFLINE
    try:
        socket.getaddrinfo(urlsplit(constants.ENDPOINT).hostname, 443)
    except OSError:
        constants.HF_HUB_OFFLINE = before or not getproxies()  # a proxy knows more names
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def read_state_dict(path: Path, advice: str) -> dict[str, Tensor]:
    """Tensors of a .safetensors file or of one that torch.save wrote.

    Args:
        path: the file.
        advice: what the user can do where there is none, to end the error with.

    Raises:
        WeightsError: if the file is missing, cannot be read or holds something else.
    """
    if not path.is_file():
        raise WeightsError(f"there is no weights file {path}: {advice}")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise WeightsError(f"{path} is no readable weights file: {error}") from error
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict) or not all(isinstance(v, Tensor) for v in content.values()):
        raise WeightsError(f"{path} holds no state dict, that is, names and their tensors")
    return content


def read_trained_model(path: Path, advice: str) -> dict[str, Tensor]:
    """Tensors of the model in a checkpoint of a run.

    Args:
        path: the file.
        advice: what the user can do where there is none, to end the error with.

    Raises:
        WeightsError: if the file is missing, cannot be read or holds no trained model.
    """
    found = read_state_dict(path, advice)
    model = {
        name.removeprefix(MODEL): tensor for name, tensor in found.items() if name.startswith(MODEL)
    }
    if not model:
        raise WeightsError(f"{path} is no checkpoint of a run: no name in it begins with {MODEL}")
    return model


def load_strictly(
    module: nn.Module,
    state_dict: dict[str, Tensor],
    *,
    ignored: Collection[str],
    source: str,
    new: Collection[str] = (),
) -> None:
    """Load all that a module has and nothing that it does not know.

    Args:
        module: what is loaded into.
        state_dict: the tensors that were found.
        ignored: names that may be found although the module has not got them: a classifier, and
            layers that lie behind the one that is read.
        source: where they were found, for the error.
        new: names that need not be found; what they name stays as it is.

    Raises:
        WeightsError: naming each tensor that is missing, unknown or of another shape.
    """
    own = module.state_dict()
    found = {name: tensor for name, tensor in state_dict.items() if name in own}
    # Files written before torch counted batches lack the counter, and nothing here reads it.
    needed = (n for n in own if n not in new and not n.endswith(".num_batches_tracked"))
    missing = [n for n in needed if n not in found]
    unknown = [n for n in state_dict if n not in own and n not in ignored]
    shapes = [
        f"{n} {list(t.shape)} instead of {list(own[n].shape)}"
        for n, t in found.items()
        if t.shape != own[n].shape
    ]
    problems = [
        f"{label}: {_first(names)}"
        for label, names in (("missing", missing), ("unknown", unknown), ("shape", shapes))
        if names
    ]
    if problems:
        raise WeightsError(f"{source} does not fit this architecture; {'; '.join(problems)}")
    module.load_state_dict(found, strict=False)


def _first(names: list[str], count: int = 5) -> str:
    rest = f" and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + rest
