"""Pairs of patches a second: cutting them, learning from them, both, and one pair at a time.

- sampling: generated photos that are in memory are cut into grids of patches with all cures, as
  `task=context_prediction` trains on them;
- model: a training step on patches that are there already, each read once for all its pairs;
- both: batches out of the loader, each with its training step, in one process;
- pair by pair: a training step that reads both patches of each pair anew, as a network does that
  gets pairs and not grids.

    python -m benchmarks.context
"""

import argparse
from itertools import chain, cycle

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.measuring import Table, take_turns
from seqlab.components.backbones.caffenet import CaffeNet
from seqlab.components.backbones.interface import Backbone
from seqlab.components.backbones.small_pyramid import SmallPyramid
from seqlab.data.batches import ContextBatch
from seqlab.data.context import ContextDataModule
from seqlab.data.patch_cures import PatchCures
from seqlab.data.patches import PatchGrid
from seqlab.data.synthetic.photo_images import PhotoImages
from seqlab.models.context_prediction.context_net import ContextNet

# Photos, their sides, patches, gap, jitter; and sizes of the network.
SETTINGS = {
    "small": ((64, 144, 32, 16, 2), (256, 256, 128)),
    "paper": ((8, 480, 96, 48, 7), (4096, 4096, 4096)),
}
BATCH = {"small": 16, "paper": 4}  # photos


def photos(name: str) -> ContextDataModule:
    """Photos in memory."""
    (count, side, patch_size, gap, jitter), _ = SETTINGS[name]
    source = PhotoImages(
        num_train=count, num_val=0, num_test=0, size=(side, side), aberration=0.0, seed=0
    )
    module = ContextDataModule(
        source=source,
        grid=PatchGrid(patch_size=patch_size, gap=gap, jitter=jitter, most=(3, 3)),
        cures=PatchCures(
            colour="projection", downsampled_share=0.33, least_pixels=100, normalise=True
        ),
        pairs_per_position=3,
        grids_per_image=1,
        pixels=None,
        in_memory=True,
        batch_size=BATCH[name],
        num_workers=0,
        seed=1,
    )
    module.setup()
    return module


def network(name: str) -> ContextNet:
    """The towers and what lies on them."""
    torch.manual_seed(0)
    (_, _, patch_size, *_), (fc6_dim, fc7_dim, fc8_dim) = SETTINGS[name]
    backbone: Backbone = (
        CaffeNet(width_factor=1.0) if name == "paper" else SmallPyramid(widths=[16, 32, 48, 64, 96])
    )
    return ContextNet(
        patch_size=patch_size,
        backbone=backbone,
        fc6_dim=fc6_dim,
        fc7_dim=fc7_dim,
        fc8_dim=fc8_dim,
    )


def step(model: ContextNet, patches: Tensor, pairs: Tensor, positions: Tensor) -> None:
    """Gradients of a batch."""
    model.zero_grad(set_to_none=True)
    F.cross_entropy(model(patches, pairs), positions).backward()


def pair_by_pair(model: ContextNet, batch: ContextBatch) -> None:
    """The same where both patches of each pair are read for it alone."""
    patches = batch.patches[batch.pairs.reshape(-1)]  # [2 B, 3, p, p]
    pairs = torch.arange(len(patches)).view(-1, 2)  # [B, 2]
    step(model, patches, pairs, batch.positions)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"pairs/s; {arguments.threads} threads, one process")
    kinds = ("sampling", "model", "both", "pair by pair")
    table = Table({"sizes": (-10, ""), **dict.fromkeys(kinds, (14, ",.0f"))})
    for name in SETTINGS:
        module, model = photos(name), network(name)
        loader = module.train_dataloader()
        batches = chain.from_iterable(iter(loader) for _ in cycle([0]))
        ready = next(batches)
        for _ in loader:  # all photos are made and kept
            pass

        def both(batches: object = batches, model: ContextNet = model) -> None:
            batch = next(batches)  # type: ignore[call-overload]
            step(model, batch.patches, batch.pairs, batch.positions)

        times = take_turns(
            {
                "sampling": lambda batches=batches: next(batches),
                "model": lambda m=model, b=ready: step(m, b.patches, b.pairs, b.positions),
                "both": both,
                "pair by pair": lambda m=model, b=ready: pair_by_pair(m, b),
            },
            arguments.repeats,
        )
        table.row(name, *(len(ready.pairs) / seconds for seconds in times.values()))


if __name__ == "__main__":
    main()
