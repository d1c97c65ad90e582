"""FCN on ResNet-50 beside torchvision's fcn_resnet50: a training step, and a whole image answered.

Three networks on the same residual network, at random weights, of which no time depends:

- torchvision: its strides of 16 and 32 are dilated away, a 3 x 3 head reads maps of stride 8;
- seqlab: FCN-8s as in the paper, maps of strides 8, 16 and 32 scored and added (`model=fcn
  backbone=resnet50`);
- seqlab dilated: the same arithmetic as torchvision, by `backbone.options.output_stride=8`.

That the backbones compute the same is checked with equal weights. Runs take turns in one process,
so that what else the machine does falls on all; medians are printed. Peak memory is that of a fresh
process beyond weights and images.

    python -m benchmarks.segmentation
"""

import argparse
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.measuring import Table, Work, count_gflop, peak_memory, take_turns
from seqlab.components.backbones.timm import TimmBackbone
from seqlab.models.segmentation.fcn import FCN

HEIGHT, WIDTH, NUM_CLASSES = 360, 480, 11  # CamVid
TRAIN_BATCH, TEST_BATCH = 2, 1
HEAD = 512  # channels of torchvision's head


def backbone(output_stride: int) -> TimmBackbone:
    """A ResNet-50 of which all is trained."""
    return TimmBackbone(
        name="resnet50",
        weights=None,
        out_index=4,
        train="all",
        num_trained_stages=1,
        mean=None,
        std=None,
        options={"output_stride": output_stride},
    )


def seqlab_fcn(*, output_stride: int, head_channels: int | None) -> nn.Module:
    """FCN-8s, or with maps of stride 8 alone one with a head."""
    torch.manual_seed(0)
    return FCN(
        num_classes=NUM_CLASSES,
        backbone=backbone(output_stride),
        stride=8,
        head_channels=head_channels,
        head_kernel=None if head_channels is None else 3,
        dropout=0.1,
        learned_upsampling="none",
        weights=None,
    )


def torchvision_fcn() -> nn.Module:
    """What stands in torchvision under that name, without its auxiliary head."""
    from torchvision.models.segmentation import fcn_resnet50

    torch.manual_seed(0)
    return fcn_resnet50(weights=None, weights_backbone=None, num_classes=NUM_CLASSES)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "torchvision": torchvision_fcn,
    "seqlab": partial(seqlab_fcn, output_stride=32, head_channels=None),
    "seqlab dilated": partial(seqlab_fcn, output_stride=8, head_channels=HEAD),
}


def scores(network: nn.Module, images: Tensor) -> Tensor:
    """Scores [B, C, height, width] of either."""
    segmented = network(images)
    return segmented.logits if isinstance(network, FCN) else segmented["out"]


def train_step(network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """The loss of a batch, and its gradients; no optimizer, which is the same for all."""
    network.train()
    network.zero_grad(set_to_none=True)
    loss = F.cross_entropy(scores(network, images), labels)
    loss.backward()
    return loss.detach()


@torch.inference_mode()
def answer(network: nn.Module, images: Tensor) -> Tensor:
    """The class of each pixel [B, height, width]."""
    network.eval()
    return scores(network, images).argmax(dim=1)


def batch(size: int) -> tuple[Tensor, Tensor]:
    """Images and labels."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(size, 3, HEIGHT, WIDTH, generator=generator)
    return images, torch.randint(NUM_CLASSES, (size, HEIGHT, WIDTH), generator=generator)


def make_work(name: str, kind: str) -> Work:
    """A training step, or an answer, of a network with data of its own."""
    network = NETWORKS[name]()
    images, labels = batch(TRAIN_BATCH if kind == "train" else TEST_BATCH)
    if kind == "train":
        return partial(train_step, network, images, labels)
    return partial(answer, network, images)


def check_equal() -> None:
    """Raises AssertionError where the dilated backbone is not torchvision's."""
    theirs = torchvision_fcn().eval().backbone
    ours = backbone(output_stride=8).eval()
    names = set(ours.model.state_dict())
    assert names == set(theirs.state_dict()), "the backbones have other layers"
    ours.model.load_state_dict(theirs.state_dict())
    images = torch.rand(1, 3, 64, 96)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (ours.mean, ours.std))
    with torch.inference_mode():
        expected = theirs((images - mean) / std)["out"]
        torch.testing.assert_close(ours(images), expected, rtol=1e-3, atol=1e-3)
    print("equal: the maps of the dilated backbone and of torchvision's")


def main() -> None:
    """Check that the backbones are the same, measure all three, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5, help="timed runs of each")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(
        f"FCN on ResNet-50 at {HEIGHT} x {WIDTH}, {NUM_CLASSES} classes; training on batches of "
        f"{TRAIN_BATCH}, answers to batches of {TEST_BATCH}; {args.threads} thread(s), "
        f"torch {torch.__version__}"
    )
    check_equal()
    columns = {"": (-9, ""), "network": (-16, ""), "ms": (8, ".0f"), "images/s": (10, ".2f")}
    columns |= {"times": (7, ".2f"), "GFLOP": (8, ".0f"), "GFLOP/s": (9, ".1f"), "MB": (7, ".0f")}
    print()
    table = Table(columns)
    for kind, size in (("train", TRAIN_BATCH), ("answer", TEST_BATCH)):
        work = {name: make_work(name, kind) for name in NETWORKS}
        gflop = {name: count_gflop(function) for name, function in work.items()}
        medians = take_turns(work, args.repeats)
        for name, median in medians.items():
            peak = peak_memory(partial(make_work, name, kind))
            rate, times = size / median, medians["torchvision"] / median
            speed = gflop[name] / median
            table.row(kind, name, 1000 * median, rate, times, gflop[name], speed, peak)


if __name__ == "__main__":
    main()
