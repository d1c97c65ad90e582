"""Clips a second: of decoding alone, of C3D alone, scoring and training, and of both together.

Videos of 2 seconds, 240 x 320 pixels and 25 frames a second are written on the spot (MPEG-4, a
moving pattern with noise) and cut into clips of 16 frames over 2 seconds, resized to 128 x 171 and
cropped to 112 x 112, as in training. Decoding must not be the brake: workers decode while the
network computes, so that both together should be as fast as the slower of the two, or, where they
share cores, slower by what decoding takes.

    python -m benchmarks.video_decoding
    python -m benchmarks.video_decoding --widths 16 32 64 64 64 --fc-size 256
"""

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import torch
from torch.nn import functional as F

from benchmarks.measuring import Table, seconds
from seqlab.data.batches import ClipBatch
from seqlab.data.clip_folder import ClipFolder
from seqlab.data.clips import ClipDataModule
from seqlab.models.video.c3d import C3D

HEIGHT, WIDTH, FRAME_RATE, SECONDS = 240, 320, 25, 2
CLASSES = ("one", "other")
DIFFERENT = 16  # videos
MORE = 10  # times as many batches are decoded alone, so that those fetched in advance do not count


def write_videos(folder: Path, count: int) -> None:
    """Half of the videos in a folder for each class; those beyond `DIFFERENT` are copies."""
    chance = np.random.default_rng(0)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    paths = [folder / CLASSES[number % 2] / f"{number}.mp4" for number in range(count)]
    for number, path in enumerate(paths):
        path.parent.mkdir(exist_ok=True)
        if number >= DIFFERENT:
            shutil.copy(paths[number % DIFFERENT], path)
            continue
        with av.open(str(path), "w") as container:
            stream = container.add_stream("mpeg4", rate=FRAME_RATE)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            for moment in range(SECONDS * FRAME_RATE):
                grey = 128 + 80 * np.sin((x + 3 * moment) / 20) * np.cos((y - 2 * moment) / 25)
                pixels = grey[:, :, None] + chance.normal(0, 5, (HEIGHT, WIDTH, 3))
                pixels = pixels.clip(0, 255).astype(np.uint8)
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())


def loader(folder: Path, batch: int, workers: int) -> Iterator[ClipBatch]:
    """The training clips of the folder, epoch after epoch."""
    source = ClipFolder(
        folder=str(folder),
        frame_size=(128, 171),
        shares=(1.0, 0.0, 0.0),
        split_seed=0,
        shortest=0.5,
        on_bad="error",
        in_memory=False,
    )
    module = ClipDataModule(
        source=source,
        num_frames=16,
        frame_rate=8.0,
        crop_size=(112, 112),
        flip=True,
        clips_per_video=1,
        batch_size=batch,
        num_workers=workers,
        seed=0,
    )
    module.setup()
    batches = module.train_dataloader()
    while True:
        yield from batches


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--widths", type=int, nargs=5, default=[64, 128, 256, 512, 512])
    parser.add_argument("--fc-size", type=int, default=4096)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = C3D(
        num_classes=len(CLASSES),
        num_frames=16,
        height=112,
        width=112,
        widths=given.widths,
        depths=(1, 1, 2, 2, 2),
        temporal_depth=3,
        fc_size=given.fc_size,
        dropout=0.5,
        batch_norm=False,
        checkpointing=False,
    )

    def train(batch: ClipBatch) -> None:
        network.zero_grad(set_to_none=True)
        F.cross_entropy(network(batch.clips), batch.labels).backward()

    @torch.inference_mode()
    def score(batch: ClipBatch) -> None:
        network(batch.clips)

    table = Table({"": (-34, ""), "clips/s": (9, ".2f")})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_videos(folder, given.batch * (MORE * given.steps + 1))  # an epoch is enough
        clips = given.steps * given.batch
        for workers in (0, 2):
            batches = loader(folder, given.batch, workers)
            next(batches)  # the workers have started
            spent = seconds(lambda b=batches: [next(b) for _ in range(MORE * given.steps)])
            table.row(f"decoding, {workers} workers", MORE * clips / spent)
        kept = next(loader(folder, given.batch, 0))
        for name, work in (("C3D scoring", score), ("C3D training", train)):
            work(kept)
            spent = seconds(lambda w=work: [w(kept) for _ in range(given.steps)])
            table.row(name, clips / spent)
        for workers in (0, 2):
            batches = loader(folder, given.batch, workers)
            next(batches)
            spent = seconds(lambda b=batches: [train(next(b)) for _ in range(given.steps)])
            table.row(f"decoding and training, {workers} workers", clips / spent)


if __name__ == "__main__":
    main()
