"""Experiment runner for the models that taught neural networks to attend, remember and look."""

from seqlab import _torchvision

__version__ = "0.1.0"

_torchvision.install()
