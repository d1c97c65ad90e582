"""An image as one vector, for models that look at it once."""

from torch import nn

from seqlab.components.backbones.interface import Backbone


def image_vector(backbone: Backbone, output_dim: int) -> nn.Module:
    """A projection of a backbone's summaries [B, D] to [B, output_dim], normalised over the batch.

    Images differ little in many features that all have. Batch normalisation (Ioffe and Szegedy,
    2015) leaves what differs, at the scale of a word: without it a decoder learns to do without the
    image before it learns to read it.
    """
    return nn.Sequential(
        nn.Linear(backbone.channels, output_dim, bias=False), nn.BatchNorm1d(output_dim)
    )
