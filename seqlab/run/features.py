"""What a layer of a run's network says of each example of a data set, kept as a matrix."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.fabric import Fabric
from numpy.typing import NDArray
from omegaconf import DictConfig

from seqlab.config import catalog
from seqlab.config.build import build
from seqlab.config.errors import Problem, UserError, nearest
from seqlab.data.clips import ClipDataModule, SpreadClips
from seqlab.data.sources import SPLITS
from seqlab.data.spec import Spec
from seqlab.models.activations import LayerReader
from seqlab.run.assemble import Parts, Saved, prepare_torch, read_checkpoint, reassemble
from seqlab.run.environment import sound_threads, versions
from seqlab.run.feature_files import FeatureWriter, write_pairs
from seqlab.run.rundir import RunDir
from seqlab.run.screen import Screen, logging_to
from seqlab.run.signals import Interrupted, StopRequest

Array = NDArray[np.float32]


def extract(config: DictConfig) -> Path:
    """Read a layer on all splits of a data set; the folder with the features.

    Args:
        config: a validated config of `seqlab features`.

    Raises:
        UserError: there is no such checkpoint or layer, the data does not fit the network, or the
            folder holds features of another source.
        KeyboardInterrupt: a signal asked to stop; what is done is kept.
    """
    try:
        with StopRequest().installed():
            prepare_torch(threads=config.threads or sound_threads())
            saved = read_checkpoint(Path(config.run), config.checkpoint, list(config.allow))
            output = _place(config)
            with RunDir(output).claimed(), logging_to(output / "features.log"):
                return _extract(config, saved, output)
    except Interrupted:
        raise KeyboardInterrupt from None


def _place(config: DictConfig) -> Path:
    if config.output is not None:
        return Path(config.output)
    name = config.layer if config.data is None else f"{config.layer}_{config.choices.data}"
    return Path(config.run) / "features" / name


def _extract(config: DictConfig, saved: Saved, output: Path) -> Path:
    screen = Screen()
    parts = _parts(config, saved)
    device = Fabric(accelerator=config.trainer.accelerator, devices=1).device
    reader = _reader(parts.task.model.to(device), config)
    chunks = [chunk for split in SPLITS for chunk in _chunks(parts.datamodule, split, config)]
    writer = FeatureWriter(output, _source(config, saved, parts.datamodule.spec, device, chunks))
    if parts.datamodule.source.pairs:
        write_pairs(output, parts.datamodule.source.pairs)
    if writer.is_whole:
        screen.line(f"the features are in {output} already")
        return output
    screen.line(f"{saved.path}, step {saved.steps}: {config.layer} of {_number(chunks)} clips")
    if writer.num_done:
        screen.line(f"going on after {writer.num_done} of {len(chunks)} chunks")
    with screen.counting("reading clips") as tell:
        left = chunks[writer.num_done :]
        done = _number(chunks[: writer.num_done])
        for clips, same in groupby(left, key=lambda chunk: chunk.clips):
            several = list(same)
            vectors = _vectors(parts.datamodule, clips, several, reader, config, device)
            for chunk in several:
                own = np.concatenate([next(vectors) for _ in chunk.batches(config.batch_size)])
                writer.keep(_rows(own, chunk, config))
                done += len(chunk.numbers)
                tell(done, _number(chunks))
    writer.finish([row for chunk in chunks for row in chunk.index(config.pool)])
    screen.line(f"{writer.num_rows} rows of {writer.dim} numbers are in {output}/features.npy")
    screen.commands([["seqlab", "probe", f"features={output}"]])
    return output


def _parts(config: DictConfig, saved: Saved) -> Parts:
    """The network of the run, and the data that it is shown."""
    own = config.data is None
    parts = reassemble([saved], data_dir=config.paths.data, with_data=own)
    if not own:
        datamodule = build(config.data, allow=config.allow)
        parts = Parts(datamodule, parts.task, parts.spec)
    if not isinstance(parts.datamodule, ClipDataModule):
        message = "has no clips, of which features are read"
        given = str(config.choices.get("data", saved.config.choices.get("data", "the run's data")))
        allowed = catalog.fitting("video_classification", "data")
        raise UserError([Problem(key="data", given=given, message=message, allowed=allowed)])
    if not own:
        parts.datamodule.setup("fit")
        _refuse_sizes(saved.spec, parts.datamodule.spec)
    return parts


def _refuse_sizes(saved: Spec, found: Spec) -> None:
    """Clips have to be as large as those that the network was trained on."""
    names = ("num_frames", "height", "width")
    was, now = ([getattr(spec, name, None) for name in names] for spec in (saved, found))
    if was != now:
        message = (
            "gives clips of other sizes than the network was trained on; data.num_frames and "
            "data.crop_size, or data.source, change them"
        )
        given, allowed = (" x ".join(map(str, sizes)) for sizes in (now, was))
        problem = Problem(key="data", given=given, message=message, allowed=(allowed,))
        raise UserError([problem])


def _reader(model: torch.nn.Module, config: DictConfig) -> LayerReader:
    try:
        return LayerReader(model, config.layer, maps=config.maps)
    except KeyError:
        names = [name for name, _ in model.named_modules() if name]
        top = tuple(name for name in names if "." not in name)
        near, message = nearest(config.layer, names), "the network has no such module"
        problem = Problem(
            key="layer", given=config.layer, message=message, allowed=top, nearest=near
        )
        raise UserError([problem]) from None


def _source(
    config: DictConfig, saved: Saved, spec: Spec, device: torch.device, chunks: Sequence["_Chunk"]
) -> dict[str, Any]:
    """All that the numbers are a function of."""
    with saved.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    names = ("layer", "overlap", "pool", "maps", "normalise", "batch_size", "chunk_size")
    return {
        "run": str(Path(config.run).resolve()),
        "checkpoint": digest,
        **{name: config[name] for name in names},
        "clips": _number(chunks),
        "seed": int(saved.config.seed),
        "split_hash": getattr(spec, "split_hash", ""),
        "data": spec.to_json(),
        "classes": list(getattr(spec, "classes", ())),
        "device": device.type,
        "versions": versions(),
    }


def _number(chunks: Sequence["_Chunk"]) -> int:
    return sum(len(chunk.numbers) for chunk in chunks)


@dataclass(frozen=True, eq=False)
class _Chunk:
    """Whole videos of a split, whose rows are kept together.

    Args:
        split: its name.
        clips: all of the split.
        numbers: of the clips of these videos.
    """

    split: str
    clips: SpreadClips
    numbers: range

    def batches(self, size: int) -> list[list[int]]:
        """The clips in batches, which depend on nothing that was done before."""
        starts = range(0, len(self.numbers), size)
        return [list(self.numbers[start : start + size]) for start in starts]

    def videos(self) -> list[list[int]]:
        """The places within the chunk of the clips of each video."""
        places = enumerate(self.clips.places[number][0] for number in self.numbers)
        return [[at for at, _ in same] for _, same in groupby(places, key=lambda place: place[1])]

    def index(self, pool: str) -> list[dict[str, Any]]:
        """What is known of each row."""
        rows = []
        for places in self.videos():
            video = self.clips.places[self.numbers[places[0]]][0]
            videos = self.clips.videos
            known = {
                "name": videos.names[video],
                "split": self.split,
                "label": int(videos.labels[video]),
            }
            if pool == "average":
                rows.append({**known, "clips": len(places)})
                continue
            for place in places:
                start = self.clips.places[self.numbers[place]][1]
                rows.append({**known, "clips": 1, "start": round(float(start), 6)})
        return rows


def _chunks(datamodule: ClipDataModule, split: str, config: DictConfig) -> list[_Chunk]:
    """The videos of a split, a few at a time."""
    try:
        clips = datamodule.all_clips(split, config.overlap)
    except ValueError as error:
        message = f"leaves no step between clips of {datamodule.num_frames} frames: {error}"
        allowed = (f"0 to {datamodule.num_frames - 1}", "null")
        raise UserError(
            [Problem(key="overlap", given=str(config.overlap), message=message, allowed=allowed)]
        ) from error
    firsts = [at for at, place in enumerate(clips.places) if at == 0 or _begins(clips, at)]
    cuts = [*firsts[:: config.chunk_size], len(clips)]
    return [_Chunk(split, clips, range(first, last)) for first, last in pairwise(cuts)]


def _begins(clips: SpreadClips, at: int) -> bool:
    """Whether a clip is the first of its video."""
    return clips.places[at][0] != clips.places[at - 1][0]


class _InOrder:
    """A plan of batches that are known."""

    def __init__(self, batches: list[list[int]]) -> None:
        self._batches = batches

    def batches(self, epoch: int) -> list[list[int]]:
        """The same in every epoch."""
        return self._batches


def _vectors(
    datamodule: ClipDataModule,
    clips: SpreadClips,
    chunks: Sequence[_Chunk],
    reader: LayerReader,
    config: DictConfig,
    device: torch.device,
) -> Iterator[Array]:
    """The layer's vectors [B, D] of each batch."""
    batches = [batch for chunk in chunks for batch in chunk.batches(config.batch_size)]
    for batch in datamodule.load(clips, _InOrder(batches)):
        try:
            vectors = reader(batch.clips.to(device))
        except ValueError as error:
            message = f"cannot be kept: {error}"
            problem = Problem(key="layer", given=config.layer, message=message)
            raise UserError([problem]) from error
        yield vectors.cpu().numpy()


def _rows(vectors: Array, chunk: _Chunk, config: DictConfig) -> Array:
    """The rows [N, D] of a chunk out of the vectors of its clips."""
    rows = vectors.astype(np.float64)
    if config.pool == "average":
        rows = np.stack([rows[places].mean(0) for places in chunk.videos()])
    if config.normalise:
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        rows = rows / np.where(lengths > 0, lengths, 1.0)
    return rows.astype(np.float32)
