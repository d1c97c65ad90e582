"""Recurrent convolutional network: it reads its own answer together with the image again."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab.components.layers.borders import whole_strides
from seqlab.models.interfaces import SegmentationModel, Segmented

MEAN, STD = 0.5, 0.25


class RecurrentCNN(SegmentationModel):
    """A plain network f that reads its own planes again; Pinheiro and Collobert (2014), section 4.

    F^p = [f(F^(p - 1)), I^p] with F^1 = [0, I^1], and the loss is the sum over f, f o f, ... with
    the same weights. Here I^p is the image at 1 / 2^(P - p) of its size, and the planes are
    upsampled to it: each instance sees less of the image than the last one and sees it more
    clearly, and the last one answers for the pixels.

    f alternates convolution, ReLU and 2 x 2 max pooling, without a pooling behind the last
    convolution, and ends in a 1 x 1 convolution to the planes, which are upsampled to its input.

    Args:
        num_classes: number C of classes and of planes.
        widths: channels of each convolution of f.
        kernel_size: height and width of their kernels, odd.
        num_instances: P, from 1 to 3 in the paper.

    Raises:
        ValueError: there is no convolution or no instance, or the kernels are even.
    """

    def __init__(
        self, *, num_classes: int, widths: Sequence[int], kernel_size: int, num_instances: int
    ) -> None:
        super().__init__()
        if not widths or num_instances < 1 or kernel_size % 2 == 0:
            raise ValueError(
                "f has at least one width and an odd kernel_size, and num_instances is 1 or more; "
                f"they are {list(widths)}, {kernel_size} and {num_instances}"
            )
        self.num_classes = num_classes
        self.num_instances = num_instances
        layers: list[nn.Module] = []
        for index, width in enumerate(widths):
            before = widths[index - 1] if index else 3 + num_classes
            convolution = nn.Conv2d(before, width, kernel_size, padding=kernel_size // 2)
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
            nn.init.zeros_(convolution.bias)
            pooling = [nn.MaxPool2d(2)] if index < len(widths) - 1 else []
            layers += [convolution, nn.ReLU(inplace=True), *pooling]
        self.f = nn.Sequential(*layers, nn.Conv2d(widths[-1], num_classes, 1))
        self.stride = 2 ** (len(widths) - 1)
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Segmented:
        """Scores of images [B, 3, height, width] with values in [0, 1], of any size."""
        batch_size, _, height, width = images.shape
        coarsest = 2 ** (self.num_instances - 1)
        whole = whole_strides((images - MEAN) / STD, coarsest * self.stride)
        planes = whole.new_zeros(batch_size, self.num_classes, 1, 1)  # [B, C, 1, 1]
        answers = []
        for instance in reversed(range(self.num_instances)):
            image = F.avg_pool2d(whole, 2**instance)  # [B, 3, height' / 2^i, width' / 2^i]
            size = image.shape[2:]
            planes = F.interpolate(planes, size=size, mode="bilinear")  # [B, C, *size]
            inputs = torch.cat([planes, image], dim=1)  # [B, C + 3, *size]
            planes = self.f(inputs.contiguous(memory_format=torch.channels_last))  # [B, C, h, w]
            answer = F.interpolate(planes, size=whole.shape[2:], mode="bilinear")
            answers.append(answer[:, :, :height, :width])  # [B, C, height, width]
        return Segmented(answers[-1], earlier=tuple(answers[:-1]))
