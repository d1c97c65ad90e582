"""The scores of a summary."""

import torch
from torch import Tensor

from seqlab.components.backbones.small_conv import SmallConv
from seqlab.models.image_classification.image_classifier import LinearClassifier


def test_scores_are_linear_in_the_summary() -> None:
    torch.manual_seed(0)
    backbone = SmallConv(channels=8, pretrained=False)
    model = LinearClassifier(num_classes=3, backbone=backbone, dropout=0.5).eval()
    images: Tensor = torch.rand(2, 3, 32, 24)
    with torch.no_grad():
        found = model(images)
        largest = backbone(images).flatten(2).max(dim=2).values
        expected = largest @ model.scores.weight.T + model.scores.bias
    torch.testing.assert_close(found, expected)
