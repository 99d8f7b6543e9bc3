"""The contracts of exporters, observers and options, rule by rule, against a service that answers as Slack does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loopengt.testing import ExporterContract, ObserverContract, OptionsContract

from loopengt_exporter_slack.observer import SlackObserver
from loopengt_exporter_slack.options import SlackOptions
from loopengt_exporter_slack.sender import SlackSender

from .slack_kit import VARIABLE, FakeSlack, slack


class _WithSlack:
    service: FakeSlack

    @pytest.fixture(autouse=True)
    def _serve(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        with slack() as self.service:
            monkeypatch.setenv(VARIABLE, self.service.url)
            yield


class TestSender(_WithSlack, ExporterContract):
    """Every rule of senders."""

    def make(self, folder: Path) -> Any:
        """Return a new one."""
        return SlackSender(SlackOptions(), folder)

    def count(self) -> int:
        """How many messages the channel shows."""
        return len(self.service.messages)

    def unreachable(self, folder: Path) -> Any:
        """Return one whose service has gone."""
        self.service.close()
        return SlackSender(SlackOptions(patience_seconds=0.2), folder)

    test_a_document_is_made_of_the_run_alone: Any = None  # it writes none


class TestObserver(_WithSlack, ObserverContract):
    """Every rule of observers."""

    def make(self, folder: Path) -> Any:
        """Return a new one."""
        return SlackObserver(SlackOptions())


class TestOptions(OptionsContract):
    """Every rule of options."""

    values = {"url_env": "MY_WEBHOOK", "tell": ["error"], "timeout_seconds": 3, "include_details": False}

    def make(self, folder: Path) -> Any:
        """Return the model."""
        return SlackOptions
