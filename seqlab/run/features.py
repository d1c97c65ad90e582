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

from seqlab.config.errors import Problem, UserError
from seqlab.data.batches import ClipBatch
from seqlab.data.clip_cutting import SpreadClips
from seqlab.data.clips import ClipDataModule
from seqlab.data.sources import SPLITS
from seqlab.data.spec import Spec
from seqlab.models.activations import LayerReader
from seqlab.run.assemble import Saved, prepare_torch, read_checkpoint
from seqlab.run.environment import sound_threads, versions
from seqlab.run.feature_files import FeatureWriter, write_pairs
from seqlab.run.rundir import RunDir
from seqlab.run.screen import Screen, logging_to
from seqlab.run.shown import (
    DataModule,
    Shown,
    everything,
    layer_reader,
    shown_parts,
    things_of,
)
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
    parts = shown_parts(config, saved)
    device = Fabric(accelerator=config.trainer.accelerator, devices=1).device
    reader = layer_reader(parts.task.model.to(device), parts, config)
    chunks = [chunk for split in SPLITS for chunk in _chunks(parts.datamodule, split, config)]
    things = things_of(parts.datamodule)
    source = _source(config, saved, parts.datamodule.spec, device, chunks)
    writer = FeatureWriter(output, source)
    if isinstance(parts.datamodule, ClipDataModule) and parts.datamodule.source.pairs:
        write_pairs(output, parts.datamodule.source.pairs)
    if writer.is_whole:
        screen.line(f"the features are in {output} already")
        return output
    screen.line(f"{saved.path}, step {saved.steps}: {config.layer} of {_number(chunks)} {things}")
    if writer.num_done:
        screen.line(f"going on after {writer.num_done} of {len(chunks)} chunks")
    with screen.counting(f"reading {things}") as tell:
        left = chunks[writer.num_done :]
        done = _number(chunks[: writer.num_done])
        for shown, same in groupby(left, key=lambda chunk: chunk.shown):
            several = list(same)
            vectors = _vectors(parts.datamodule, shown, several, reader, config, device)
            for chunk in several:
                own = np.concatenate([next(vectors) for _ in chunk.batches(config.batch_size)])
                writer.keep(_rows(own, chunk, config))
                done += len(chunk.numbers)
                tell(done, _number(chunks))
    writer.finish([row for chunk in chunks for row in chunk.index(config.pool)])
    screen.line(f"{writer.num_rows} rows of {writer.dim} numbers are in {output}/features.npy")
    screen.commands([["seqlab", "probe", f"features={output}"]])
    return output


def _source(
    config: DictConfig, saved: Saved, spec: Spec, device: torch.device, chunks: Sequence["_Chunk"]
) -> dict[str, Any]:
    """All that the numbers are a function of."""
    with saved.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    names = ["layer", "maps", "normalise", "batch_size", "chunk_size"]
    if any(isinstance(chunk.shown, SpreadClips) for chunk in chunks):
        names += ["overlap", "pool"]
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
    """Whole videos of a split, or images, whose rows are kept together.

    Args:
        split: its name.
        shown: all of the split.
        numbers: of the clips of these videos, or of the images.
    """

    split: str
    shown: Shown
    numbers: range

    def batches(self, size: int) -> list[list[int]]:
        """The clips in batches, which depend on nothing that was done before."""
        starts = range(0, len(self.numbers), size)
        return [list(self.numbers[start : start + size]) for start in starts]

    def examples(self) -> list[list[int]]:
        """The places within the chunk of the clips of each video, or of each image."""
        places = enumerate(self.shown.places[number][0] for number in self.numbers)
        return [[at for at, _ in same] for _, same in groupby(places, key=lambda place: place[1])]

    def index(self, pool: str) -> list[dict[str, Any]]:
        """What is known of each row."""
        rows: list[dict[str, Any]] = []
        for places in self.examples():
            example = self.shown.places[self.numbers[places[0]]][0]
            known = self.shown.known(example) | {"split": self.split}
            if not isinstance(self.shown, SpreadClips):
                rows.append(known)
            elif pool == "average":
                rows.append({**known, "clips": len(places)})
            else:
                starts = [self.shown.places[self.numbers[place]][1] for place in places]
                rows += [{**known, "clips": 1, "start": round(float(at), 6)} for at in starts]
        return rows


def _chunks(datamodule: DataModule, split: str, config: DictConfig) -> list[_Chunk]:
    """The examples of a split, a few at a time."""
    shown = everything(datamodule, split, config)
    places = shown.places
    firsts = [at for at, place in enumerate(places) if not at or place[0] != places[at - 1][0]]
    cuts = [*firsts[:: config.chunk_size], len(shown)]
    return [_Chunk(split, shown, range(first, last)) for first, last in pairwise(cuts)]


class _InOrder:
    """A plan of batches that are known."""

    def __init__(self, batches: list[list[int]]) -> None:
        self._batches = batches

    def batches(self, epoch: int) -> list[list[int]]:
        """The same in every epoch."""
        return self._batches


def _vectors(
    datamodule: DataModule,
    shown: Shown,
    chunks: Sequence[_Chunk],
    reader: LayerReader,
    config: DictConfig,
    device: torch.device,
) -> Iterator[Array]:
    """The layer's vectors [B, D] of each batch."""
    batches = [batch for chunk in chunks for batch in chunk.batches(config.batch_size)]
    # What is shown is of this data module, and so of the kind that it loads.
    for batch in datamodule.load(shown, _InOrder(batches)):  # type: ignore[arg-type]
        inputs = batch.clips if isinstance(batch, ClipBatch) else batch.images
        try:
            vectors = reader(inputs.to(device))
        except ValueError as error:
            message = f"cannot be kept: {error}"
            problem = Problem(key="layer", given=config.layer, message=message)
            raise UserError([problem]) from error
        yield vectors.cpu().numpy()


def _rows(vectors: Array, chunk: _Chunk, config: DictConfig) -> Array:
    """The rows [N, D] of a chunk out of the vectors of its clips."""
    rows = vectors.astype(np.float64)
    if config.pool == "average":
        rows = np.stack([rows[places].mean(0) for places in chunk.examples()])
    if config.normalise:
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        rows = rows / np.where(lengths > 0, lengths, 1.0)
    return rows.astype(np.float32)
