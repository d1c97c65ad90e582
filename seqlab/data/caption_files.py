"""What the official layouts of captioned photographs share: reading, and all errors at once."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from seqlab.data.errors import DataError
from seqlab.data.images import ImageFiles
from seqlab.data.sources import SPLITS, CaptionedImage, CaptionSplit

log = logging.getLogger(__name__)

MissingImages = Literal["error", "skip"]

_CAPTION_ID = re.compile(r"(?P<name>.+)#(?P<number>\d+)")
_SKIP_HINT = "data.source.missing_images=skip goes on without missing images"


class Listed(NamedTuple):
    """An image that a split names."""

    name: str
    where: str  # file and line


def read_lines(path: Path, problems: list[str]) -> Iterator[tuple[str, str]]:
    """Lines of a text file that are not blank, and before each the file and line where it stands.

    Args:
        path: the file.
        problems: added to as the lines are read, where the file is missing or a line is not UTF-8.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        problems.append(f"{path}: {error.strerror}")
        return
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        try:
            text = line.decode().removesuffix("\r")
        except UnicodeDecodeError as error:
            problems.append(f"{path}:{number}: not UTF-8 ({error.reason})")
            continue
        if text.strip():
            yield f"{path}:{number}", text


def read_token_file(path: Path, problems: list[str]) -> dict[str, tuple[str, ...]]:
    """Captions by image, of lines `name.jpg#0<TAB>caption`.

    Args:
        path: the file.
        problems: what is wrong is added here.
    """
    captions: dict[str, dict[int, str]] = {}
    first: dict[str, str] = {}
    for where, line in read_lines(path, problems):
        caption_id, _, text = line.partition("\t")
        match = _CAPTION_ID.fullmatch(caption_id)
        if match is None:
            problems.append(f"{where}: no caption id (name.jpg#0, then a tab) in {line[:40]!r}")
        elif not text.strip():
            problems.append(f"{where}: the caption {caption_id} is empty")
        elif caption_id in first:
            problems.append(f"{where}: the caption id {caption_id} is also at {first[caption_id]}")
        else:
            first[caption_id] = where
            captions.setdefault(match["name"], {})[int(match["number"])] = text.strip()
    return {
        name: tuple(text for _, text in sorted(numbered.items()))
        for name, numbered in captions.items()
    }


def read_split_list(path: Path, problems: list[str], suffix: str = "") -> list[Listed]:
    """Images of a file with one name per line.

    Args:
        path: the file.
        problems: what is wrong is added here.
        suffix: what the names lack.
    """
    listed = []
    for where, line in read_lines(path, problems):
        name = line.strip()
        listed.append(Listed(name if name.endswith(suffix) else name + suffix, where))
    return listed


def make_splits(
    listed: Mapping[str, Sequence[Listed]],
    captions: Mapping[str, tuple[str, ...]],
    locate: Callable[[str], Path],
    *,
    problems: list[str],
    missing_images: MissingImages,
    data_set: str,
) -> dict[str, CaptionSplit]:
    """The splits, if nothing is wrong.

    Args:
        listed: images of each split.
        captions: by image name.
        locate: the file of an image name.
        problems: what was found so far.
        missing_images: whether images that are not there are an error or left out.
        data_set: its name, for the note on what was left out.

    Raises:
        DataError: something is wrong; it lists all of it.
    """
    problems = problems + duplicates(item for split in SPLITS for item in listed[split])
    splits, missing, counts = {}, [], []
    present = _files_in({locate(item.name).parent for split in SPLITS for item in listed[split]})
    for split in SPLITS:
        known = [item for item in listed[split] if item.name in captions]
        problems += [
            f"{item.where}: names {item.name}, which has no captions"
            for item in listed[split]
            if item.name not in captions
        ]
        here = [item for item in known if locate(item.name) in present]
        missing += [
            f"{locate(item.name)}: no such image, listed at {item.where}"
            for item in known
            if locate(item.name) not in present
        ]
        counts.append(f"{len(here)} of {len(known)} {split}")
        examples = tuple(CaptionedImage(item.name, captions[item.name]) for item in here)
        images = ImageFiles([locate(item.name) for item in here], [item.where for item in here])
        problems += images.probe()
        splits[split] = CaptionSplit(examples, images)
    if missing and missing_images == "error":
        raise DataError(problems + missing, _SKIP_HINT)
    if problems:
        raise DataError(problems)
    if missing:
        log.warning("%s: left out images that are not here; used %s", data_set, ", ".join(counts))
    return splits


def duplicates(items: Iterable[Listed]) -> list[str]:
    """What is listed twice, be it in one split or in two."""
    first: dict[str, str] = {}
    problems = []
    for item in items:
        if item.name in first:
            problems.append(f"{item.where}: {item.name} is also listed at {first[item.name]}")
        first.setdefault(item.name, item.where)
    return problems


def _files_in(folders: Iterable[Path]) -> set[Path]:
    """Files of folders; on network disks listing is many times faster than asking for each."""
    return {path for folder in folders if folder.is_dir() for path in folder.iterdir()}


def first_folder(root: Path, names: Sequence[str]) -> Path:
    """The first of several habitual folders that is there, else the first."""
    return next((root / name for name in names if (root / name).is_dir()), root / names[0])
