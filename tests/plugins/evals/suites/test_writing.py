"""Records and baselines that cannot be written, and baselines that were damaged."""

from __future__ import annotations

import errno
import json
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.errors import LoopengtError, StorageError, StorageFull, UsageError
from loopengt_evals.suites.baselines import read_baseline, save_baseline
from loopengt_evals.suites.record import Record

if TYPE_CHECKING:
    from pathlib import Path


def full(*args: object) -> int:
    """Fail as a disk does that is full."""
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_no_empty_record(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record whose header cannot be written is an error that is told, and nothing that 'latest' would find."""
    folder = project / ".loopengt"
    monkeypatch.setattr("loopengt_evals.suites.record.os.fsync", full)
    with pytest.raises(StorageFull, match="no space is left"):
        Record.create(folder, {"evaluation": "eval-1"})
    assert list((folder / "evals").glob("*.jsonl")) == []


def test_a_full_disk_ends_an_evaluation_that_can_be_gone_on_with(
    studio: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """When a run cannot be noted it is not begun, the way to go on is told, and going on completes the evaluation."""
    studio.suite()

    def refuse(self: Record, runs: object) -> None:
        raise StorageError("the record cannot be written")

    monkeypatch.setattr(Record, "note", refuse)
    with pytest.raises(StorageError):
        studio.run()
    assert studio.asked == []
    told = capsys.readouterr().err
    assert "When that is mended, go on: loopengt" in told
    monkeypatch.undo()
    assert studio.run(resume=told.split()[-1]).trials[0].passed


def test_a_baseline_that_cannot_be_written_is_told(studio: Any) -> None:
    """The trials were paid for, so it is said how to save the baseline without running them again."""
    studio.suite()
    result = studio.run()
    with pytest.raises(LoopengtError, match="cannot be written") as caught:
        save_baseline(studio.project / ("x" * 300 + ".json"), result)
    assert f"--resume {result.evaluation} --baseline save" in caught.value.remedy
    (studio.project / "taken").mkdir()
    with pytest.raises(LoopengtError, match="cannot be written"):
        save_baseline(studio.project / "taken", result)
    assert [path.name for path in studio.project.glob(".*.new")] == []


@pytest.mark.parametrize(
    "damage",
    [
        {"versions": "0.1"},
        {"versions": [1]},
        {"cases": {"a": {"digest": "d", "passed": [1], "values": {"t": [10**400]}}}},
    ],
)
def test_a_baseline_with_values_of_another_kind_is_refused(project: Path, damage: dict[str, Any]) -> None:
    """What is no version and no number is not taken for one."""
    sound = {
        "format": 1,
        "suite": "s",
        "versions": {},
        "cases": {"a": {"digest": "d", "passed": [1], "values": {}}},
    }
    path = project / "b.json"
    path.write_text(json.dumps(sound))
    assert list(read_baseline(path, "b").cases) == ["a"]
    path.write_text(json.dumps(sound | damage))
    with pytest.raises(UsageError, match="is no baseline"):
        read_baseline(path, "b")
