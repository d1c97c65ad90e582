"""Kept features: equal to computed ones, computed once, and never trusted when damaged."""

import multiprocessing
import pickle
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seqlab.components.backbones.interface import Backbone
from seqlab.data.errors import DataError
from seqlab.data.feature_cache import KeptFeatures, keep, key_of
from seqlab.data.sources import Images

CPU = torch.device("cpu")


class _Blocks(Backbone):
    """Means of blocks of 8 pixels, times a weight; says how often it ran."""

    channels, stride, frozen = 3, 8, True
    mean = std = (0.5, 0.5, 0.5)

    def __init__(self, weight: float = 2.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))
        self.runs = 0

    def forward(self, images: Tensor) -> Tensor:
        assert not self.training
        self.runs += 1
        return self.weight * nn.functional.avg_pool2d(images, 8)

    def fingerprint(self) -> str:
        return f"blocks {self.weight.item()}"


class _Noise(Images):
    def __init__(self, count: int, broken: tuple[int, ...] = (), name: str = "noise") -> None:
        self.count, self.broken, self.name = count, broken, name

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Tensor:
        if index in self.broken:
            raise DataError([f"image {index} is broken"], "mend it")
        generator = np.random.default_rng(index)
        return torch.from_numpy(generator.integers(0, 255, (3, 16, 24), np.uint8))

    def fingerprint(self) -> str:
        return f"{self.name} {self.count}"


def _unit(image: Tensor) -> Tensor:
    return image.float() / 255


def _keep(path: Path, backbone: Backbone, count: int = 150) -> KeptFeatures:
    return keep(backbone, _Noise(count), _unit, path, device=CPU)


def test_kept_features_are_the_backbone_s(tmp_path: Path) -> None:
    backbone, images, steps = _Blocks().train(), _Noise(150), []
    kept = keep(
        backbone,
        images,
        _unit,
        tmp_path / "f.npy",
        device=CPU,
        on_progress=lambda done, total: steps.append((done, total)),
    )
    assert len(kept) == 150
    for index in (0, 31, 32, 149):
        blocks = images[index].numpy().reshape(3, 2, 8, 3, 8).mean(axis=(2, 4)) / 255
        assert kept[index].dtype == torch.float16
        np.testing.assert_allclose(kept[index], 2 * blocks, rtol=1e-3)  # half precision
    assert steps == [(32, 150), (64, 150), (96, 150), (128, 150), (150, 150)]
    assert backbone.training  # as it was


def test_a_hit_computes_nothing(tmp_path: Path) -> None:
    backbone = _Blocks()
    first = _keep(tmp_path / "f.npy", backbone)
    runs = backbone.runs
    second = _keep(tmp_path / "f.npy", backbone)
    assert backbone.runs == runs
    assert torch.equal(first[3], second[3])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.json", "f.lock", "f.npy"]


@pytest.mark.parametrize("damage", ["cut", "flipped", "header", "record", "other count", "empty"])
def test_damage_is_seen_and_mended(tmp_path: Path, damage: str) -> None:
    path, backbone = tmp_path / "f.npy", _Blocks()
    good = _keep(path, backbone)[7].clone()
    content = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        content[-1000] ^= 1
        path.write_bytes(content)
    elif damage == "header":
        path.write_bytes(b"not NumPy" + content[9:])
    elif damage == "record":
        path.with_suffix(".json").write_text('{"images": 150')
    elif damage == "other count":
        _keep(path, backbone, count=40)
    else:
        path.write_bytes(b"")
    runs = backbone.runs
    assert torch.equal(_keep(path, backbone)[7], good)
    assert backbone.runs == runs + 5


def test_the_key_follows_weights_transform_and_data() -> None:
    keys = {
        key_of(_Blocks(), "resized", _Noise(3)),
        key_of(_Blocks(3.0), "resized", _Noise(3)),
        key_of(_Blocks(), "cut", _Noise(3)),
        key_of(_Blocks(), "resized", _Noise(4)),
        key_of(_Blocks(), "resized", _Noise(3, name="changed")),
    }
    assert len(keys) == 5
    assert key_of(_Blocks(), "resized", _Noise(3)) in keys


def test_broken_pictures_are_all_named_and_nothing_is_left(tmp_path: Path) -> None:
    images = _Noise(150, broken=(3, 100, 149))
    with pytest.raises(DataError) as caught:
        keep(_Blocks(), images, _unit, tmp_path / "f.npy", device=CPU)
    assert caught.value.problems == [f"image {n} is broken" for n in (3, 100, 149)]
    assert caught.value.hint == "mend it"
    assert [path.name for path in tmp_path.iterdir()] == ["f.lock"]


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    import resource

    def limited(path: Path) -> None:
        import signal

        torch.set_num_threads(1)  # of the parent's threads a fork has none, and would wait for them
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        try:
            _keep(path, _Blocks())
        except OSError:
            raise SystemExit(7) from None

    process = multiprocessing.get_context("fork").Process(
        target=limited, args=(tmp_path / "f.npy",)
    )
    process.start()
    process.join(60)
    assert process.exitcode == 7
    assert [path.name for path in tmp_path.iterdir()] == ["f.lock"]


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".f.123.npy").write_bytes(b"half")
    _keep(tmp_path / "f.npy", _Blocks())
    assert not (tmp_path / ".f.123.npy").exists()


class _Slow(_Blocks):
    def __init__(self, log: Path) -> None:
        super().__init__()
        self.log = log

    def forward(self, images: Tensor) -> Tensor:
        with self.log.open("a") as file:
            file.write(f"{len(images)}\n")
        time.sleep(0.1)
        return super().forward(images)


def _in_process(path: Path, log: Path, queue: "multiprocessing.Queue[list[float]]") -> None:
    torch.set_num_threads(1)
    queue.put(_keep(path, _Slow(log))[9].flatten().tolist())


def test_two_processes_compute_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[list[float]] = context.Queue()
    log = tmp_path / "log"
    arguments = (tmp_path / "cache" / "f.npy", log, queue)
    processes = [context.Process(target=_in_process, args=arguments) for _ in range(2)]
    for process in processes:
        process.start()
    results = [queue.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(60)
    assert results[0] == results[1]
    assert log.read_text().split() == ["32", "32", "32", "32", "22"]


def test_workers_get_the_path_and_not_the_array(tmp_path: Path) -> None:
    kept = _keep(tmp_path / "f.npy", _Blocks())
    sent = pickle.dumps(kept)
    assert len(sent) < 1000
    assert torch.equal(pickle.loads(sent)[5], kept[5])


def test_what_half_precision_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="half precision cannot hold"):
        _keep(tmp_path / "f.npy", _Blocks(1e6))
    assert not (tmp_path / "f.npy").exists()
