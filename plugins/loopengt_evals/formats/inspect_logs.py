"""Reads logs of Inspect: the samples of an evaluation as cases, and its scorers as judges."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any
from zlib import crc32

from loopengt.errors import LoopengtError
from loopengt_evals.formats.collected import Cases, criterion, expected_of, judge, named_apart

__all__ = ["is_log_file", "looks_like", "read", "read_log"]

FORMAT = "inspect"

_ZSTANDARD = 93
_LOCAL_HEADER = struct.Struct("<26x2H")
_MOST_BYTES = 512 * 1024 * 1024
_GRADED = "The submission is right: it says the same as what is expected."


def looks_like(data: Any) -> bool:
    """Whether it is a log."""
    return (
        isinstance(data, dict)
        and isinstance(data.get("eval"), dict)
        and "version" in data
        and "status" in data
    )


def is_log_file(path: Path) -> bool:
    """Whether a file is said to be a log in Inspect's own packed form."""
    return path.suffix.lower() == ".eval"


def read_log(path: Path) -> dict[str, Any]:
    """Read a packed log: its header, with the samples.

    Raises:
        ValueError: It is no log, or is damaged.
        LoopengtError: It is packed in a way that cannot be unpacked here.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
                raise ValueError(f"unpacked it is larger than {_MOST_BYTES // 1024**2} MB")
            if "header.json" not in names:
                raise ValueError("there is no header.json in it: the evaluation has not ended")
            log: dict[str, Any] = json.loads(_unpacked(path, archive, "header.json"))
            log["samples"] = [
                json.loads(_unpacked(path, archive, name))
                for name in names
                if name.startswith("samples/") and name.endswith(".json")
            ]
    except (zipfile.BadZipFile, KeyError, OSError, RecursionError, struct.error) as exc:
        raise ValueError(f"it cannot be unpacked: {exc}") from None
    return log


def _unpacked(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    """Return an entry; those that are packed with Zstandard, as Inspect does now, are unknown to the module zipfile."""
    entry = archive.getinfo(name)
    if entry.compress_type != _ZSTANDARD:
        return archive.read(name)
    with path.open("rb") as file:
        file.seek(entry.header_offset)
        name_size, extra_size = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
        file.seek(name_size + extra_size, 1)
        packed = file.read(entry.compress_size)
    data = _decompressed(packed, entry.file_size, path)
    if len(data) != entry.file_size or crc32(data) != entry.CRC:
        raise ValueError(f"it cannot be unpacked: {name} is damaged")
    return data


def _decompressed(packed: bytes, size: int, path: Path) -> bytes:
    try:
        zstandard = import_module("zstandard")
    except ImportError:
        raise LoopengtError(
            f"{path} is packed with Zstandard, which takes the package zstandard",
            remedy=f"pip install zstandard; or: inspect log convert {path} --to json --output-dir DIR",
        ) from None
    try:
        with zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as reader:
            data: bytes = reader.read(size + 1)
    except zstandard.ZstdError as exc:
        raise ValueError(f"it cannot be unpacked: {exc}") from None
    return data


def read(data: Any, name: str) -> Cases:
    """Read the samples of a log.

    Args:
        data: What the log holds.
        name: What the suite is called when the log does not say.

    Raises:
        ValueError: It is no log, or has no samples.
    """
    if not looks_like(data):
        raise ValueError("a log of Inspect is a mapping with version, status and eval")
    spec = data["eval"]
    found = Cases(FORMAT, str(spec.get("task") or name)[:128])
    config = spec.get("config") or {}
    epochs = config.get("epochs")
    found.repeat = epochs if isinstance(epochs, int) and epochs > 0 else 1
    found.notes.add("", "what the samples came to was left out: the cases are to be run anew")
    samples = data.get("samples") or []
    targets = [sample.get("target") for sample in samples if isinstance(sample, dict)]
    several = any(isinstance(target, list) and len(target) > 1 for target in targets)
    found.judges = named_apart(
        made for scorer in spec.get("scorers") or () for made in _judges(scorer, found, several=several)
    )
    seen: set[str] = set()
    ordered = spec.get("dataset", {}).get("sample_ids") or []
    places = {str(sample_id): place for place, sample_id in enumerate(ordered)}
    for sample in sorted(samples, key=lambda one: places.get(str(one.get("id")), len(places))):
        if str(sample.get("id")) not in seen:  # of each sample there is one for each epoch
            seen.add(str(sample.get("id")))
            _case(found, sample)
    if not found.cases:
        raise ValueError("the log has no samples")
    return found


def _case(found: Cases, sample: Mapping[str, Any]) -> None:
    where = str(sample.get("id"))
    for key in ("setup", "sandbox", "files"):
        if sample.get(key):
            found.notes.add(where, f"its {key} was left out: lay what it needs into the workspace with files")
    inputs: dict[str, Any] = {"input": _input(sample.get("input"), where, found)}
    if sample.get("choices"):
        inputs["choices"] = sample["choices"]
    found.add(
        len(found.cases) + 1,
        sample.get("id"),
        inputs=inputs,
        expected=expected_of(sample.get("target")) or None,
        metadata=sample.get("metadata"),
    )


def _input(given: Any, where: str, found: Cases) -> Any:
    """Return text, or the messages with role and content when there is more than one of the user."""
    if not isinstance(given, list):
        return given
    messages = [
        {"role": one.get("role"), "content": _content(one.get("content"), where, found)} for one in given
    ]
    if len(messages) == 1 and messages[0]["role"] == "user":
        return messages[0]["content"]
    found.notes.add(where, "its input is a list of messages")
    return messages


def _content(content: Any, where: str, found: Cases) -> Any:
    if not isinstance(content, list):
        return content
    texts = [
        str(part.get("text", "")) for part in content if isinstance(part, dict) and part.get("type") == "text"
    ]
    if len(texts) < len(content):
        found.notes.add(where, "what is no text in its input was left out")
    return "\n".join(texts)


def _judges(scorer: Any, found: Cases, *, several: bool) -> list[dict[str, Any]]:
    name = str(scorer.get("name", "")) if isinstance(scorer, dict) else str(scorer)
    options = scorer.get("options") or {} if isinstance(scorer, dict) else {}
    short = name.rpartition("/")[2]
    ignore = True if options.get("ignore_case", True) else None
    match short:
        case "includes" | "match":
            if short == "match":
                found.notes.add(
                    "", "the scorer match looks at the end of the output; the judge looks in all of it"
                )
            find = "any" if several else None
            return [judge("contains", name=short, find=find, ignore_case=ignore)]
        case "exact" if not several:
            return [judge("exact", name="", ignore_case=True, ignore_whitespace=True)]
        case "model_graded_qa" | "model_graded_fact":
            told = options.get("instructions")
            text = f"{_GRADED}\n{told}" if told else _GRADED
            return [judge("rubric", name=short, **criterion(text, inputs=True))]
    found.notes.add("", f"the scorer {name} was left out: there is no judge that does the same")
    return []
