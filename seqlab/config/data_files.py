"""Whether the files are there that the chosen data set needs."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seqlab.config import catalog
from seqlab.config.errors import Problem


def problems(values: Mapping[str, Any]) -> list[Problem]:
    """Of the folder and the files that the yaml of the data set says have to be there.

    Args:
        values: of a config of `seqlab train`, interpolations followed.
    """
    name = (values.get("choices") or {}).get("data")
    if name not in catalog.names("data"):
        return []
    header = catalog.describe("data", name).header
    if "folder" not in header:
        return []
    get = f"seqlab data get {name}" if "url" in header else header.get("obtain")
    advice = f"; to get it: {get}" if get else ""
    standard = Path(values["paths"]["data"]) / header["folder"]
    texts = dict(_texts(values["data"], "data"))
    folder = _folder(texts, standard)
    if folder is None:
        return [
            Problem(key=key, given=text, message=f"there is no such file{advice}")
            for key, text in texts.items()
            if standard in Path(text).parents and not Path(text).exists()
        ]
    if not folder.is_dir():
        message = f"there is no folder {folder} (paths.data or SEQLAB_DATA moves it){advice}"
        return [Problem(key="data", given=name, message=message)]
    wanted = header.get("files", "").replace(",", " ").split()
    missing = [file for file in wanted if not any(folder.glob(file.rstrip("/")))]
    if not missing:
        return []
    message = f"the folder {folder} lacks {', '.join(missing)}{advice}"
    return [Problem(key="data", given=name, message=message)]


def _folder(texts: Mapping[str, str], standard: Path) -> Path | None:
    """Where a data set is looked for; None where files are named one by one, or led elsewhere."""
    folders = [text for key, text in texts.items() if key.endswith(".folder")]
    below = [text for text in texts.values() if standard in (Path(text), *Path(text).parents)]
    if below and (folders or str(standard) in below):
        return standard
    return Path(folders[-1]).expanduser() if folders else None


def _texts(node: Any, key: str) -> Iterator[tuple[str, str]]:
    """All texts of a node at any depth, with their keys."""
    if isinstance(node, Mapping):
        for name, value in node.items():
            if isinstance(value, str):
                yield f"{key}.{name}", value
            yield from _texts(value, f"{key}.{name}")
