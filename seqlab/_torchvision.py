"""Lets torchvision be imported beside a torch that its compiled operators were not built for.

torchvision's wheel is built for CUDA. Beside a CPU build of torch its library cannot be loaded, the
operators it would define stay unknown, and `import torchvision` fails where it gives two of them a
meta kernel, although all that is pure Python in it (transforms, models, timm's needs) would work.
Declaring the schemas of those two first is enough. lightning and torchmetrics import torchvision by
themselves, so this hooks the import instead of importing anything: `seqlab --help` stays instant.
"""

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

_libraries: list[object] = []  # a torch.library.Library forgets its schemas when it is collected


class _BeforeTorchvision(importlib.abc.MetaPathFinder):
    """Finds nothing; declares the missing operators at the moment torchvision is asked for."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        if fullname == "torchvision":
            sys.meta_path.remove(self)
            _declare_missing_operators()


def _declare_missing_operators() -> None:
    spec = importlib.machinery.PathFinder.find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        return
    import torch

    folder = Path(spec.submodule_search_locations[0])
    for library in sorted(folder.glob("_C*.so")) + sorted(folder.glob("_C*.pyd")):
        try:
            torch.ops.load_library(str(library))
        except OSError:  # built for another torch: the case this module is for
            continue
        return
    declared = torch.library.Library("torchvision", "DEF")
    for schema in SCHEMAS:
        declared.define(schema)
    _libraries.append(declared)


def install() -> None:
    """Hook the import of torchvision, once, unless it is there already."""
    hooked = any(isinstance(finder, _BeforeTorchvision) for finder in sys.meta_path)
    if "torchvision" not in sys.modules and not hooked:
        sys.meta_path.insert(0, _BeforeTorchvision())
