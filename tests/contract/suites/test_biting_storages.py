"""Each rule for storages is broken by a storage that is broken so."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest

from loopengt.testing import StorageContract
from loopengt.testing.suites import rules

from . import broken_storages as kinds

BROKEN: dict[str, type[kinds.Kept]] = {
    "blobs_come_back": kinds.WrongBytes,
    "blobs_are_idempotent": kinds.ManyBlobs,
    "missing_blobs_are_errors": kinds.NoBlobIsEmpty,
    "odd_run_ids_stay_apart_and_inside": kinds.PlainIds,
    "a_sound_storage_has_no_findings": kinds.Worries,
    "closing_twice_is_harmless": kinds.ClosesOnce,
    "a_closed_storage_can_be_opened_again": kinds.OpensOnce,
    "closing_finishes_what_was_accepted": kinds.DropsAtClose,
    "all_is_there_when_opened_again": kinds.Forgets,
    "two_users_of_one_folder_see_each_other": kinds.Forgets,
    "a_deleted_run_is_gone": kinds.Hoards,
    "only_the_holder_deletes": kinds.DeletesForAnyone,
    "a_lease_dies_with_its_run": kinds.ForgetsFences,
    "a_cancelled_deletion_is_whole_or_not_at_all": kinds.DeletesByHalves,
    "others_append_meanwhile": kinds.StopsTheWorld,
    "another_user_sees_the_deletion": kinds.Forgets,
    "a_parent_never_changes": kinds.ChangesParents,
    "blobs_to_keep_are_kept": kinds.PrunesAll,
    "young_blobs_are_kept": kinds.PrunesYoung,
    "compacting_loses_nothing": kinds.CompactsAway,
    "rows_are_newest_first": kinds.OldestFirst,
    "filters_are_joined": kinds.OneFilter,
    "a_prefix_is_taken_literally": kinds.AnyCase,
    "every_field_comes_back": kinds.ForgetsFields,
    "owner_fields_of_an_appended_row_are_ignored": kinds.TrustsOwners,
    "an_append_without_a_row_leaves_it": kinds.TouchesRows,
    "rows_are_copies": kinds.LendsRows,
    "a_living_owner_keeps_its_run": kinds.ClaimsAlways,
    "an_owner_elsewhere_keeps_its_run_while_the_lease_lasts": kinds.ClaimsStrangers,
    "a_lost_lease_cannot_append": kinds.AppendsForAnyone,
    "an_expired_lease_still_appends_until_taken": kinds.MindsTheClock,
    "a_process_that_is_gone_is_followed_at_once": kinds.WaitsForTheDead,
    "release_frees_the_run": kinds.Clings,
    "releasing_a_lost_lease_does_nothing": kinds.ReleasesLoudly,
    "an_append_can_release": kinds.AppendsOnly,
    "renewal_prolongs": kinds.DoesNotProlong,
    "renewal_reports_what_is_lost": kinds.LosesNothing,
    "signals_are_delivered_once_and_in_order": kinds.RepeatsSignals,
    "signals_wait_for_the_driver": kinds.DropsSignals,
    "what_is_appended_is_read_back": kinds.ReadsTheFirst,
    "payloads_are_kept_byte_for_byte": kinds.Rewrites,
    "the_first_batch_is_kept_byte_for_byte": kinds.RewritesTheFirst,
    "reading_starts_behind_a_position": kinds.ReadsAll,
    "a_reader_sees_whole_batches_of_a_growing_journal": kinds.ReadsLatestFirst,
    "another_position_is_refused": kinds.AppendsAnywhere,
    "a_run_is_created_once": kinds.CreatesAgain,
    "unknown_runs_are_named": kinds.NamesNothing,
    "concurrent_appends_keep_the_order_of_each_run": kinds.TakesTurns,
    "a_cancelled_append_does_no_harm": kinds.AppendsByHalves,
    "a_simultaneous_append_wins_alone": kinds.AppendsAnywhere,
}


def check(rule: str, kind: type[kinds.Kept], folder: Path) -> None:
    """Check one rule on a kind of storage."""
    kinds.KEPT.clear()
    suite: Any = type("Tried", (StorageContract,), {"make": lambda self, folder: kind(folder)})
    getattr(suite(), rule)(folder)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # what a broken one leaves
@pytest.mark.parametrize("rule", rules(StorageContract))
def test_a_broken_storage_breaks_the_rule(rule: str, tmp_path: Path) -> None:
    """A sound storage keeps the rule; one that is broken in this way does not."""
    (tmp_path / "sound").mkdir()
    check(rule, kinds.Kept, tmp_path / "sound")
    with pytest.raises((Exception, pytest.fail.Exception)):
        check(rule, BROKEN[rule.removeprefix("test_")], tmp_path)
    gc.collect()


def test_nothing_is_broken_for_no_rule() -> None:
    """Every rule has its broken storage."""
    assert {f"test_{name}" for name in BROKEN} == set(rules(StorageContract))
