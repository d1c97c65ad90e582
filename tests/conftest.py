"""Readies the import of torchvision before a test module imports lightning or timm."""

import seqlab  # noqa: F401
