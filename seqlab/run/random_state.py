"""The state of the random-number generators, as tensors that a checkpoint may hold."""

import io
import random
from typing import Any

import numpy as np
import torch

from seqlab.run.processes import gather_bytes


def seed_everything(seed: int) -> None:
    """Seed the generators of Python, NumPy and torch, on all devices."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # all that NumPy's generator takes
    torch.manual_seed(seed)


def capture() -> dict[str, Any]:
    """The state of the generators of Python, NumPy, torch and, where there are any, the GPUs."""
    version, words, gauss = random.getstate()
    _, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        "python": {"version": version, "words": torch.tensor(words), "gauss": gauss},
        "numpy": {
            "keys": torch.from_numpy(np.asarray(keys, dtype=np.int64)),
            "position": int(position),
            "has_gauss": int(has_gauss),
            "cached": float(cached),
        },
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def restore(state: dict[str, Any]) -> None:
    """Put the generators back to where `capture` found them."""
    python, numpy = state["python"], state["numpy"]
    random.setstate((python["version"], tuple(python["words"].tolist()), python["gauss"]))
    keys = numpy["keys"].numpy().astype(np.uint32)
    np.random.set_state(("MT19937", keys, numpy["position"], numpy["has_gauss"], numpy["cached"]))
    torch.set_rng_state(state["torch"].cpu())
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([device.cpu() for device in state["cuda"]])


def gather(state: dict[str, Any], device: torch.device) -> list[dict[str, Any]]:
    """The states of all processes, in the order of their ranks; all of them must call this."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    parts = gather_bytes(buffer.getvalue(), device)
    return [torch.load(io.BytesIO(part), weights_only=True) for part in parts]
