"""The statistics of agreement, against known values and by simulation."""

from __future__ import annotations

from random import Random

import pytest

from loopengt_evals.statistics.agreement import (
    Table,
    best_threshold,
    cross_validated,
    kappa_interval,
    sign_test,
)
from loopengt_evals.statistics.correlation import (
    auc,
    mean_absolute_error,
    pearson,
    ranks,
    spearman,
    spearman_interval,
)


class TestTable:
    """Counts of what people and a judge said."""

    def test_known_values(self) -> None:
        """The textbook's table of two readers, 20 5 10 15, has a kappa of 0.4."""
        table = Table(20, 5, 10, 15)
        assert (table.total, table.agreement, table.chance) == (50, 0.7, 0.5)
        assert table.kappa == pytest.approx(0.4)
        assert table.precision == pytest.approx(20 / 30)
        assert (table.recall, table.specificity) == (0.8, 0.6)

    def test_what_cannot_be_told_is_none(self) -> None:
        """No labels, or only one word from both, give no kappa, and no division by zero."""
        assert (Table().agreement, Table().kappa, Table().precision) == (None, None, None)
        only = Table(10, 0, 0, 0)
        assert (only.agreement, only.kappa, only.specificity) == (1.0, None, None)
        assert kappa_interval(only) is None

    def test_of_pairs(self) -> None:
        """People come first."""
        table = Table.of([(True, True), (True, False), (True, False), (False, True), (False, False)])
        assert (table.pass_pass, table.pass_fail, table.fail_pass, table.fail_fail) == (1, 2, 1, 1)

    def test_worse_than_chance_is_negative(self) -> None:
        """A judge that says the opposite has a kappa of -1."""
        assert Table(0, 10, 10, 0).kappa == pytest.approx(-1.0)


class TestInterval:
    """The interval of kappa."""

    def test_it_holds_kappa_narrows_and_is_the_same_each_time(self) -> None:
        """More labels make it narrower, and full agreement on few labels is not taken for certainty."""
        few, many = kappa_interval(Table(20, 5, 10, 15)), kappa_interval(Table(200, 50, 100, 150))
        assert few is not None and many is not None
        assert few.low < few.estimate < few.high
        assert few.high - few.low > 2.5 * (many.high - many.low)
        assert few == kappa_interval(Table(20, 5, 10, 15))
        # The asymptotic standard error of this table is 0.127.
        assert (few.low, few.high) == pytest.approx((0.15, 0.64), abs=0.03)
        full = kappa_interval(Table(5, 0, 0, 5))
        assert full is not None
        assert (full.estimate, full.high) == (1.0, 1.0)
        assert full.low < 0.8

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "cells", [(0.45, 0.05, 0.1, 0.4), (0.85, 0.03, 0.02, 0.1), (0.48, 0.02, 0.02, 0.48)]
    )
    @pytest.mark.parametrize("size", [20, 60])
    def test_it_covers_the_truth_as_often_as_it_says(
        self, cells: tuple[float, ...], size: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Over many samples of a known table at least 91 % of the 95 % intervals hold its kappa."""
        monkeypatch.setattr("loopengt_evals.statistics.agreement._DRAWS", 400)
        truth = Table(*cells).kappa
        assert truth is not None
        random = Random(3)
        held = total = 0
        for _ in range(400):
            counts = [0, 0, 0, 0]
            for cell in random.choices(range(4), cells, k=size):
                counts[cell] += 1
            interval = kappa_interval(Table(*counts))
            if interval is not None:
                total += 1
                held += interval.low <= truth <= interval.high
        assert held / total > 0.91


class TestThreshold:
    """The threshold that fits labels best."""

    def test_it_parts_what_can_be_parted(self) -> None:
        """It lies between the scores, with as few digits as do."""
        found = best_threshold([(False, 0.1), (False, 0.62), (True, 0.71), (True, 0.9)])
        assert found == (0.7, 1.0)

    def test_the_widest_gap_counts_among_equals(self) -> None:
        """Between two that part the labels alike stands the one with room on both sides."""
        found = best_threshold([(False, 0.1), (True, 0.15), (False, 0.5), (False, 0.55), (True, 0.95)])
        assert found is not None
        assert found.threshold == 0.8 or found.threshold == pytest.approx(0.75, abs=0.06)

    def test_none_where_nothing_can_be_told(self) -> None:
        """Labels of one kind, or scores that are all the same, suggest nothing."""
        assert best_threshold([(True, 0.1), (True, 0.9)]) is None
        assert best_threshold([(True, 0.5), (False, 0.5)]) is None
        assert cross_validated([(True, 0.1), (False, 0.9)]) is None

    def test_it_is_found_as_by_trying_them_all(self) -> None:
        """On random labels no threshold between two scores has a higher kappa."""
        random = Random(7)
        compared = 0
        for _ in range(40):
            scored = [(random.random() < 0.5, round(random.random(), 1)) for _ in range(25)]
            found = best_threshold(scored)
            if found is None or found.kappa <= 0:  # to pass all has a kappa of 0
                continue
            compared += 1
            tried = [
                Table.of((label, score >= least / 20) for label, score in scored).kappa or 0.0
                for least in range(22)
            ]
            assert found.kappa == pytest.approx(max(tried), abs=1e-9)
            assert Table.of(
                (label, score >= found.threshold) for label, score in scored
            ).kappa == pytest.approx(found.kappa)
        assert compared > 20

    def test_labels_held_back_do_not_flatter(self) -> None:
        """Scores that mean nothing have a kappa in sight of 0 on labels held back, though chosen thresholds fit."""
        random = Random(11)
        held, fitted = [], []
        for _ in range(60):
            scored = [(random.random() < 0.5, random.random()) for _ in range(30)]
            value, best = cross_validated(scored), best_threshold(scored)
            assert value is not None and best is not None
            held.append(value)
            fitted.append(best.kappa)
        assert abs(sum(held) / len(held)) < 0.1
        assert sum(fitted) / len(fitted) > 0.15


class TestOthers:
    """Correlations and the sign test."""

    def test_correlations(self) -> None:
        """Known values; ties share their ranks; without variation there is none."""
        assert ranks([10, 20, 20, 30]) == [1, 2.5, 2.5, 4]
        assert pearson([1, 2, 3], [2, 4, 7]) == pytest.approx(0.9933, abs=1e-4)
        assert spearman([1, 2, 3, 4], [1, 4, 9, 16]) == pytest.approx(1.0)
        # 106 86 100 101 99 103 97 113 112 110 and hours of television: the known example has -29/165.
        iq, hours = [106, 86, 100, 101, 99, 103, 97, 113, 112, 110], [7, 0, 27, 50, 28, 29, 20, 12, 6, 17]
        assert spearman(iq, hours) == pytest.approx(-29 / 165)
        assert pearson([1, 1], [2, 3]) is None
        interval = spearman_interval(iq, hours)
        assert interval is not None
        assert interval.low < -0.7 and interval.high > 0.4
        assert mean_absolute_error([0.5, 1.0], [0.0, 1.0]) == 0.25

    def test_auc(self) -> None:
        """The share of pairs in the right order, equal ones half."""
        assert auc([(True, 0.9), (True, 0.4), (False, 0.4), (False, 0.1)]) == pytest.approx(3.5 / 4)
        assert auc([(True, 0.9)]) is None

    def test_sign_test(self) -> None:
        """Known values of the two-sided exact test; many of both neither overflow nor take long."""
        assert sign_test(0, 5) == pytest.approx(0.0625)
        assert sign_test(1, 9) == pytest.approx(22 / 1024)
        assert sign_test(0, 0) == 1.0
        assert sign_test(4000, 4000) == 1.0
