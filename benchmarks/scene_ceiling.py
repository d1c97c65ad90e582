"""The best scores that generated scenes allow: python -m benchmarks.scene_ceiling [key=value ...].

The references of a scene use templates drawn by chance, which no captioner can know. Two answers to
how high a score can be: an oracle that sees the truth and says it in the likeliest template, and a
person's stand-in, each reference scored against the other four.
"""

import sys

import seqlab  # noqa: F401  first: it readies the import of torchvision
from seqlab.config.build import build
from seqlab.config.compose import compose
from seqlab.data.synthetic.scene_captions import oracle_caption
from seqlab.metrics.captioning import CaptionScores

SPLIT = "test"


def main() -> None:
    """Print both, for the test split."""
    config = compose("train", ["task=captioning", "data=scenes", *sys.argv[1:]])
    splits = build(config.data.source).read()
    examples, scenes = splits[SPLIT].examples, splits[SPLIT].images.scenes
    oracle, agreement = CaptionScores(meteor=True), CaptionScores(meteor=True)
    for example, scene in zip(examples, scenes, strict=True):
        oracle.update([example.image_id], [oracle_caption(scene)], [example.captions])
        for left_out, caption in enumerate(example.captions):
            others = example.captions[:left_out] + example.captions[left_out + 1 :]
            agreement.update([f"{example.image_id}#{left_out}"], [caption], [others])
    print(f"{len(examples)} scenes of the {SPLIT} split, {oracle.signature()}")
    for name, scores in (("oracle", oracle), ("one reference against the others", agreement)):
        values = ", ".join(f"{key} {float(value):.3f}" for key, value in scores.compute().items())
        print(f"{name}: {values}")


if __name__ == "__main__":
    main()
