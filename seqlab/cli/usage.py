"""The texts of `--help`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Usage:
    """Help of one verb.

    Args:
        pattern: how it is called.
        summary: one line.
        text: what else there is to know.
        examples: command lines, each with what it does.
    """

    pattern: str
    summary: str
    text: str
    examples: tuple[tuple[str, str], ...]


_HYDRA = """\
  --cfg job           show the config instead of running; --cfg job --resolve follows ${...},
                      --package model shows one part of it
  --info defaults     how the config is put together (also: defaults-tree, searchpath, all)
  --config-dir DIR    look for yaml files in a folder of your own too
  --multirun, -m      the same as seqlab sweep
  --hydra-help        Hydra's own help"""

USAGES = {
    "train": Usage(
        "seqlab train [task=NAME] [model=NAME] [KEY=VALUE ...]",
        "train a model and test it",
        f"""\
A choice (model=show_tell, attention=hard) puts a yaml of conf/ in its place; a key with dots
(optimizer.lr=1e-3) changes one value; +KEY=VALUE adds what the yaml does not mention. The command
line beats experiment=NAME, which beats what the task chooses. `seqlab list` shows the names.

  seeds=5             train with five seeds; mean and 95 % interval of each metric
  restarts=10         train with ten seeds, keep the run that is best on validation, and show how
                      far the ten lie apart
  select=train        of the restarts, keep that with the lowest training loss; else select=val
  n_jobs=N            runs of seeds or restarts at once, else as many as cores or GPUs allow
  resume=DIR          go on with a run that was stopped
  run_dir=DIR         where the run is kept, instead of runs/TASK/MODEL/TIME
  threads=N           threads of torch on the CPU
  debug=fast          two batches of everything, to see whether it runs

{_HYDRA}""",
        (
            ("seqlab train task=captioning", "the task's own model and data"),
            ("seqlab train model=show_attend_tell attention=hard", "one part exchanged"),
            (
                "seqlab train model=show_tell optimizer.lr=1e-3 trainer.max_epochs=20",
                "other values",
            ),
            ("seqlab train task=translation restarts=10", "the best of ten"),
            ("seqlab train resume=runs/captioning/show_tell/2025-01-31_12-00-00", "go on"),
        ),
    ),
    "eval": Usage(
        "seqlab eval run=DIR [KEY=VALUE ...]",
        "evaluate a trained run",
        """\
Needs the run directory and the raw data, nothing else.

  run=[DIR,DIR,...]   an ensemble: runs of one task on the same data choose each word together, by
                      the mean of their probabilities; it searches as the first does
  output=DIR          where metrics, predictions and figures go, instead of the run's own folder
                      (of an ensemble: runs/TASK/ensembles/...)
  checkpoint=best     or last, or the path of a checkpoint
  split=test          or val
  decoding=NAME       another search than the run's own
  inference=sliding   images in windows, or with inference.flip=true mirrored too
  num_figures=8       how many examples are drawn
  paths.data=DIR      where the data sets lie (SEQLAB_DATA)""",
        (
            ("seqlab eval run=runs/captioning/show_tell/2025-01-31_12-00-00", "test metrics"),
            ("seqlab eval run=DIR decoding=beam decoding.beam_size=10", "a wider beam"),
            ("seqlab eval run=[DIR1,DIR2,DIR3]", "an ensemble"),
        ),
    ),
    "predict": Usage(
        "seqlab predict run=DIR [input=FILES] [--alignments] [KEY=VALUE ...]",
        "use a trained run on files, sentences or stories of your own",
        """\
Prints what the model says of each input. predictions.txt keeps the best answers, one a line beside
the lines of the input; predictions.jsonl all that is known of each: scores, n-best lists, figures.

  run=[DIR,DIR,...]   an ensemble, as in seqlab eval
  input=FILES         images: a file, a folder or a pattern in quotes
                      text: a file of lines, one sentence each, .gz too
                      stories: a fact a line; a line that ends in ? asks about the facts so far,
                      an empty one begins a new story; files of bAbI too
                      -: what you type or a pipe brings: lines, or names of images
                      (without it, lines are asked for at a terminal)
  --alignments        draw what was attended to, source words or facts; short for figures=true
                      (images are always drawn, but with figures=false)
  output=DIR          where predictions and figures go, instead of the run's own folder
                      (of an ensemble: runs/TASK/ensembles/...)
  checkpoint=best     or last, or the path of a checkpoint
  decoding=NAME       another search than the run's own
  inference=sliding   images in windows, or with inference.flip=true mirrored too
  decoding.num_best=5 with decoding=beam: the five best answers, each with its score
  batch_size=16       inputs handled at once; one where you type""",
        (
            ("seqlab predict run=DIR input='photos/*.jpg'", "captions of photographs"),
            (
                "seqlab predict run=DIR input=sentences.txt --alignments",
                "with figures",
            ),
            ("seqlab predict run=DIR input=-", "type sentences; Ctrl-D ends"),
            ("echo 'a dog runs' | seqlab predict run=DIR input=-", "one sentence"),
            ("seqlab predict run=DIR input=a.txt decoding=beam decoding.num_best=5", "n-best"),
            ("seqlab predict run=[DIR1,DIR2] input=sentences.txt", "an ensemble"),
            ("seqlab predict run=DIR", "tell a story and ask"),
        ),
    ),
    "features": Usage(
        "seqlab features run=DIR layer=NAME [data=NAME] [KEY=VALUE ...]",
        "keep what a layer of a trained network says of each video or picture",
        """\
Writes features.npy (a row of length 1 for each; of a video the mean over its clips), index.json and
index.csv. Stopped or killed, the same command goes on and the file is the same.

  layer=fc6           a module of the network; what it gives is taken as it is, which for the layers
                      of C3D is after their nonlinearity
  data=NAME           another data set than the run's own; data.KEY=VALUE changes it
  output=DIR          where it goes, instead of features/LAYER in the run
  checkpoint=best     or last, or the path of a checkpoint
  overlap=8           frames that neighbouring clips share; null: data.clips_per_video of them
  pool=average        or none: a row for each clip
  maps=mean           layers of maps averaged over their places; else maps=whole
  normalise=true      rows have length 1
  paths.data=DIR      where the data sets lie (SEQLAB_DATA)""",
        (
            ("seqlab features run=DIR layer=fc6", "of the data that the run was trained on"),
            ("seqlab features run=DIR layer=fc6 data=ucf101 data.source.split=2", "of another"),
        ),
    ),
    "neighbours": Usage(
        "seqlab neighbours run=DIR [beside=[RUN,...]] [backbone=NAME] [KEY=VALUE ...]",
        "show which patches a network finds alike, beside other networks",
        """\
Draws some patches and, network by network, the patches of other images that are most like them:
fc6 of the run (task=context_prediction), the same network with random weights, and others.

  beside=[A,B]        runs whose networks are asked too, by the summary of their backbone
  backbone=NAME       an image network that is asked too; backbone.weights=FILE has its weights
  random=true         the network of the run with random weights too
  split=test          whose images; else val or train
  num_images=500      images at most
  num_queries=8       patches, chosen by seed=1
  num_neighbours=7    of each, one of an image at most
  step=null           pixels from a patch to the next; null is half a patch
  output=DIR          where the figure goes, instead of neighbours/ in the run""",
        (
            ("seqlab neighbours run=DIR", "trained against random weights"),
            ("seqlab neighbours run=DIR backbone=resnet50", "and against ImageNet's labels"),
        ),
    ),
    "mine": Usage(
        "seqlab mine run=DIR [KEY=VALUE ...]",
        "find what shows again and again in a collection of images",
        """\
Squares of four patches are looked for in all images by what a run of task=context_prediction knows
of patches; those that lie in a square there too are counted, and the best are drawn.

  split=train         whose images; else val or test
  num_images=500      images at most
  num_constellations=500   squares that are looked for, chosen by seed=1
  most_matches=100    images in which one of them is looked for closely
  num_clusters=10     of the best
  overlap=0.5         share of their images that two clusters have in common at most
  step=null           pixels from a patch to the next; null is a quarter of a patch
  random=true         random weights, to see what the training has brought
  output=DIR          where it goes, instead of clusters/ in the run""",
        (("seqlab mine run=DIR", "clusters.png, and purity.png where pixels are labelled"),),
    ),
    "probe": Usage(
        "seqlab probe features=DIR [probe=NAME] [KEY=VALUE ...]",
        "fit a simple classifier on features and test it",
        """\
Its settings are chosen on the validation split, or by cross-validation within what is trained on;
never on what is tested.

  features=[A,B]      features of several networks of the same videos, side by side
  probe=svm           a linear support vector machine; else probe=knn, the nearest neighbours
  protocol=splits     train and val against test
  protocol=folds      each of num_folds=5 parts against the others
  protocol=random     num_folds=5 random parts of test_share=0.25; classes keep their shares
  protocol=leave_one_out   each video against all others
  compactness=[10,50] repeated with so many principal components; [] for none
  embedding=false     no figure in two dimensions
  output=DIR          where it goes, instead of probe/ in the first features""",
        (
            ("seqlab probe features=runs/.../features/fc6", "a linear SVM"),
            ("seqlab probe 'features=[DIR1,DIR2]' protocol=folds", "two networks, five folds"),
            ("seqlab probe features=DIR probe=knn", "nearest neighbours"),
        ),
    ),
    "sweep": Usage(
        "seqlab sweep KEY=VALUE,VALUE ... [KEY=VALUE ...]",
        "train many variants and compare them",
        """\
Settings are those of `seqlab train`; one with several values is varied. Jobs that are done are
skipped when the same sweep is started again, failed ones are tried anew.

  a=1,2,3             each of these (also choice(1,2,3), range(1,10))
  a=interval(1e-4,1e-2)   for a search: any number between
  sweep=tpe           a search (Optuna) instead of all combinations: sweep=grid
  launcher=NAME       where jobs run: `seqlab list launcher`
  n_jobs=N            jobs at once; seeds and restarts of a job then follow each other""",
        (
            ("seqlab sweep attention=additive,hard optimizer.lr=1e-3,1e-4", "four jobs"),
            ("seqlab sweep model=show_tell,neuraltalk seeds=5", "two models, five seeds each"),
            ("seqlab sweep sweep=tpe 'optimizer.lr=interval(1e-4,1e-2)'", "a search"),
        ),
    ),
    "list": Usage(
        "seqlab list [GROUP] [task=NAME] [model=NAME]",
        "show tasks, models, data sets and parts",
        """\
Without a group: every task with its models, data sets and the parts that can be exchanged.""",
        (
            ("seqlab list", "everything"),
            ("seqlab list models task=captioning", "the models of a task"),
            ("seqlab list attention", "what attention= may be"),
        ),
    ),
    "check": Usage(
        "seqlab check [task=NAME] [model=NAME] [KEY=VALUE ...]",
        "validate a config and show it, without running",
        """\
Takes what `seqlab train` takes. Ends with status 2 where something is wrong, all of it listed.""",
        (("seqlab check model=show_tell recurrent=gru", "is it sound, and what is in it"),),
    ),
    "data": Usage(
        "seqlab data list | get NAME | check NAME [paths.data=DIR]",
        "data sets: which are here, download, check",
        """\
  list                data sets with licence and size, and whether they are here
  get NAME            download a data set and check it
  check NAME          read every file of a data set

Data sets lie in paths.data: SEQLAB_DATA, or ./data.""",
        (("seqlab data list", "what there is"), ("seqlab data get flickr8k", "fetch one")),
    ),
    "completion": Usage(
        "seqlab completion bash | zsh | fish",
        "completion for your shell",
        """\
Prints a script that completes commands, groups, names and keys.""",
        (
            ('eval "$(seqlab completion bash)"', "in ~/.bashrc"),
            ('eval "$(seqlab completion zsh)"', "in ~/.zshrc"),
            ("seqlab completion fish | source", "in ~/.config/fish/config.fish"),
        ),
    ),
}


def overview() -> str:
    """Help of the whole command."""
    verbs = [f"  {verb:<12}{usage.summary}" for verb, usage in USAGES.items()]
    return "\n".join(
        [
            "Train, evaluate and compare models that attend, remember and look.",
            "",
            "usage: seqlab COMMAND [KEY=VALUE ...]",
            "",
            *verbs,
            "",
            "  --version   the version",
            "  --help      this text; seqlab COMMAND --help says more",
            "",
            "first steps:",
            *_lines(
                (
                    ("seqlab list", "what there is"),
                    ("seqlab train task=captioning", "runs offline, on generated scenes"),
                    ("seqlab train task=translation", "offline too, on a generated language"),
                    ("seqlab train task=captioning model=show_attend_tell attention=hard", ""),
                )
            ),
        ]
    )


def of(verb: str) -> str:
    """Help of one verb."""
    usage = USAGES[verb]
    lines = [f"usage: {usage.pattern}", "", f"{usage.summary[0].upper()}{usage.summary[1:]}."]
    return "\n".join([*lines, usage.text, "", "examples:", *_lines(usage.examples)])


def _lines(examples: tuple[tuple[str, str], ...]) -> list[str]:
    width = max(len(command) for command, _ in examples)
    return [f"  {command:<{width}}  {effect}".rstrip() for command, effect in examples]
