"""Two towers that share their weights, and what they say of each other's place."""

import torch
from torch import Tensor, nn

from seqlab.components.backbones.interface import Backbone
from seqlab.models.interfaces import ContextModel

NUM_POSITIONS = 8


class ContextNet(ContextModel):
    """Late fusion of two patches; Doersch et al. (2015), section 3 and figure 3.

    Each patch goes through the same tower up to fc6. Both vectors are concatenated and read by fc7
    and fc8, which know nothing of pixels, and then by the scores of the eight positions. Batch
    normalisation has neither scale nor shift, as in the paper.

    Args:
        patch_size: height and width of a patch in pixels.
        backbone: the tower below fc6, trained as a whole.
        fc6_dim: what is known of a patch, 4096 in the paper.
        fc7_dim: 4096 in the paper.
        fc8_dim: 4096 in the paper.

    Raises:
        ValueError: the backbone is frozen.
    """

    def __init__(
        self, *, patch_size: int, backbone: Backbone, fc6_dim: int, fc7_dim: int, fc8_dim: int
    ) -> None:
        super().__init__()
        if backbone.frozen:
            raise ValueError("the towers are trained: set train of the backbone to all")
        self.backbone = backbone
        self.fc6 = _layer(_num_features(backbone, patch_size), fc6_dim)
        # A product with the concatenation is the sum of one with each half, which every patch
        # needs once however many pairs it is in.
        self.fc7_first = nn.Linear(fc6_dim, fc7_dim, bias=False)
        self.fc7_second = nn.Linear(fc6_dim, fc7_dim, bias=False)
        for half in (self.fc7_first, self.fc7_second):  # of 2 fc6_dim inputs together
            nn.init.normal_(half.weight, std=(1 / fc6_dim) ** 0.5)
        self.fc7 = nn.Sequential(nn.BatchNorm1d(fc7_dim, affine=False), nn.ReLU())
        self.fc8 = _layer(fc7_dim, fc8_dim)
        self.scores = nn.Linear(fc8_dim, NUM_POSITIONS)

    def embed(self, patches: Tensor) -> Tensor:
        """fc6 [N, D] of patches [N, 3, p, p]."""
        return self.fc6(_coarsest(self.backbone, patches).flatten(1))  # [N, D]

    def forward(self, patches: Tensor, pairs: Tensor) -> Tensor:
        """Scores [B, 8] of where the second patch of each pair [B, 2] lies."""
        known = self.embed(patches)  # [N, D]
        first = self.fc7_first(known)[pairs[:, 0]]  # [B, H]
        second = self.fc7_second(known)[pairs[:, 1]]  # [B, H]
        return self.scores(self.fc8(self.fc7(first + second)))  # [B, 8]


def _layer(inputs: int, outputs: int) -> nn.Sequential:
    linear = nn.Linear(inputs, outputs, bias=False)
    nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
    return nn.Sequential(linear, nn.BatchNorm1d(outputs, affine=False), nn.ReLU())


@torch.no_grad()
def _num_features(backbone: Backbone, patch_size: int) -> int:
    """Numbers of the feature map of a patch."""
    was_training = backbone.training
    found = _coarsest(backbone.eval(), torch.zeros(1, 3, patch_size, patch_size)).numel()
    backbone.train(was_training)
    return found


def _coarsest(backbone: Backbone, patches: Tensor) -> Tensor:
    """The feature map [N, D, h, w] of patches, which may be smaller than its stride."""
    return backbone.pyramid(patches)[-1]
