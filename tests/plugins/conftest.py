"""What the tests of several plugins share."""

from __future__ import annotations

import pytest

from .lagging import LaggingStorage


@pytest.fixture
def lagging() -> type[LaggingStorage]:
    """The storage that takes its time."""
    return LaggingStorage
