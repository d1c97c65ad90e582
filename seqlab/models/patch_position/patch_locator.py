"""A tower that says where in its image a patch lies: what finds out whether lenses tell."""

from torch import Tensor, nn

from seqlab.components.backbones.interface import Backbone
from seqlab.models.interfaces import PatchLocator


class BackboneLocator(PatchLocator):
    """The network with which Doersch et al. (2015), section 3.1, found the trace of the lens.

    Args:
        backbone: the tower.
        hidden_dim: of the layer between its summary and the two coordinates.
    """

    def __init__(self, *, backbone: Backbone, hidden_dim: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Sequential(
            nn.Linear(backbone.channels, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, 2)
        )

    def forward(self, patches: Tensor) -> Tensor:
        """Centres [N, 2], right and down, of patches [N, 3, p, p]."""
        features = self.backbone.pyramid(patches)[-1]  # [N, D, h, w]; patches may be small
        return self.head(self.backbone.summary(features))  # [N, 2]
