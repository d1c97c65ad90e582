"""Make the weights of backbone=small_conv_pretrained: python scripts/pretrain_small_conv.py.

The network learns to name shape, colour and size of the two main objects of generated scenes, how
they lie to each other, and the background. It sees the training scenes of data=scenes alone, so
that its weights know nothing of those that captions are validated and tested on. The share of
right answers is measured on the validation scenes. 90 seconds on one CPU core.
"""

from pathlib import Path

import torch
from rich.progress import track
from safetensors.torch import save_file
from torch import Tensor, nn

from seqlab.components.backbones.small_conv import PRETRAINED, PRETRAINED_CHANNELS, SmallConv
from seqlab.data.synthetic.scenes import (
    AXES,
    BACKGROUNDS,
    COLOURS,
    SHAPES,
    Scene,
    draw_scenes,
    render,
)

NUM_TRAIN, NUM_VAL, SCENES_SEED = 4000, 500, 0  # as in conf/data/scenes.yaml
NUM_EPOCHS, BATCH_SIZE, LEARNING_RATE, SEED = 8, 16, 1e-3, 1
SIZES = ("large", "small")
QUESTIONS = {
    "shape of the first": SHAPES,
    "shape of the second": SHAPES,
    "colour of the first": tuple(COLOURS),
    "colour of the second": tuple(COLOURS),
    "size of the first": SIZES,
    "size of the second": SIZES,
    "axis": AXES,
    "background": tuple(BACKGROUNDS),
}


def answers(scene: Scene) -> list[int]:
    """The right answer to each question, as its number."""
    first, second = scene.objects[:2]
    texts = (
        *(first.shape, second.shape, first.colour, second.colour, first.size, second.size),
        *(scene.axis, scene.background),
    )
    return [names.index(text) for names, text in zip(QUESTIONS.values(), texts, strict=True)]


class Classifier(nn.Module):
    """The network under test, and a linear reading of its summary for all questions."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = SmallConv(channels=PRETRAINED_CHANNELS, pretrained=False)
        self.reading = nn.Sequential(
            nn.Linear(PRETRAINED_CHANNELS, PRETRAINED_CHANNELS, bias=False),
            nn.BatchNorm1d(PRETRAINED_CHANNELS),
            nn.Linear(PRETRAINED_CHANNELS, sum(map(len, QUESTIONS.values()))),
        )

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Logits [B, answers] of each question, of images [B, 3, height, width]."""
        logits = self.reading(self.backbone.summary(self.backbone(images / 255)))
        return logits.split([len(names) for names in QUESTIONS.values()], dim=1)


def train(model: Classifier, images: Tensor, truth: Tensor) -> None:
    """Learn from images [N, 3, height, width] in bytes and answers [N, questions]."""
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    num_steps = NUM_EPOCHS * (len(images) // BATCH_SIZE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, num_steps)
    order = torch.cat([torch.randperm(len(images)) for _ in range(NUM_EPOCHS)])
    for batch in track(order.split(BATCH_SIZE), description="training"):
        logits = model(images[batch].float())
        loss = sum(
            nn.functional.cross_entropy(scores, right)
            for scores, right in zip(logits, truth[batch].unbind(dim=1), strict=True)
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


@torch.inference_mode()
def accuracy(model: Classifier, images: Tensor, truth: Tensor) -> Tensor:
    """Share of right answers to each question."""
    chosen = torch.stack([scores.argmax(dim=1) for scores in model(images.float())], dim=1)
    return (chosen == truth).float().mean(dim=0)


def main() -> None:
    """Train, measure and write the weights where the package finds them."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    scenes = draw_scenes(SCENES_SEED, NUM_TRAIN + NUM_VAL)
    images = torch.stack([torch.from_numpy(render(scene)[0]) for scene in scenes])
    truth = torch.tensor([answers(scene) for scene in scenes])
    model = Classifier()
    train(model, images[:NUM_TRAIN], truth[:NUM_TRAIN])
    shares = accuracy(model.eval(), images[NUM_TRAIN:], truth[NUM_TRAIN:])
    for question, share in zip(QUESTIONS, shares.tolist(), strict=True):
        print(f"{question:22} {share:.3f}")
    state = {name: tensor.contiguous() for name, tensor in model.backbone.state_dict().items()}
    save_file(state, Path(str(PRETRAINED)))


if __name__ == "__main__":
    main()
