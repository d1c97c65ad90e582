"""What a captioning model has to beat: python -m benchmarks.caption_baselines [key=value ...].

Takes the overrides of `seqlab train` (an experiment, say), and scores on the validation images the
most frequent training caption, and for each image the first caption of the training image that is
nearest by the same frozen features.
"""

import sys
from pathlib import Path

import numpy as np

import seqlab  # noqa: F401  first: it readies the import of torchvision
from seqlab.config.build import build
from seqlab.config.compose import compose
from seqlab.metrics.baselines import most_frequent_caption, nearest_captions
from seqlab.metrics.captioning import CaptionScores

SPLIT = "val"


def main() -> None:
    """Print the scores of both."""
    config = compose("train", ["task=captioning", *sys.argv[1:]])
    data = build(config.data)
    data.setup()
    if not data.keep_features(build(config.model.backbone), Path(config.paths.cache)):
        sys.exit("the baselines need a frozen backbone and no augmentation")
    train, val = data.split("train"), data.split(SPLIT)
    pooled = {
        name: np.stack([np.asarray(f, np.float32).mean(axis=(1, 2)) for f in data.features(name)])
        for name in ("train", SPLIT)
    }
    first = [example.captions[0] for example in train.examples]
    every = [caption for example in train.examples for caption in example.captions]
    frequent = most_frequent_caption(every)
    answers = {
        f"most frequent caption ({frequent!r})": [frequent] * len(val.examples),
        "nearest training image": nearest_captions(pooled["train"], first, pooled[SPLIT]),
    }
    for name, captions in answers.items():
        scores = CaptionScores(meteor=True)
        ids = [example.image_id for example in val.examples]
        scores.update(ids, captions, [example.captions for example in val.examples])
        values = ", ".join(f"{key} {float(value):.3f}" for key, value in scores.compute().items())
        print(f"{name}: {values}")
    print(f"{len(train.examples)} training and {len(val.examples)} {SPLIT} images")


if __name__ == "__main__":
    main()
