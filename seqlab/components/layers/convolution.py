"""The block that convolutional networks are made of."""

from torch import nn


def normalised_convolution(
    inputs: int, outputs: int, *, kernel_size: int, stride: int = 1, padding: int | None = None
) -> list[nn.Module]:
    """A convolution, batch normalisation (Ioffe and Szegedy, 2015) and a ReLU.

    The weights start as He et al. (2015) found it right before a ReLU. There is no bias beside that
    of the normalisation.

    Args:
        inputs: channels that are read.
        outputs: channels that are given.
        kernel_size: height and width of the kernel.
        stride: inputs per output, in height and in width.
        padding: zeros on each side; None for as many as keep the size of the map, where the kernel
            is odd and the stride 1.
    """
    padding = (kernel_size - 1) // 2 if padding is None else padding
    convolution = nn.Conv2d(inputs, outputs, kernel_size, stride, padding=padding, bias=False)
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
