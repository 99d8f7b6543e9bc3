"""The journal of a run: its bytes, its events, its fold into state, and its replay."""

from __future__ import annotations

from loopengt.journal.codec import (
    clean_text,
    decode_batch,
    decode_value,
    encode_batch,
    encode_value,
    to_json_data,
)
from loopengt.journal.fold import Fold
from loopengt.journal.reader import Journals, load_run, read_events
from loopengt.journal.records import CallsUse, OpenStep, Usage, total_tokens
from loopengt.journal.replay import Key, Replay
from loopengt.journal.trace import Tracer
from loopengt.journal.writer import BLOB_LIMIT, Journal

__all__ = [
    "BLOB_LIMIT",
    "CallsUse",
    "Fold",
    "Journal",
    "Journals",
    "Key",
    "OpenStep",
    "Replay",
    "Tracer",
    "Usage",
    "clean_text",
    "decode_batch",
    "decode_value",
    "encode_batch",
    "encode_value",
    "load_run",
    "read_events",
    "to_json_data",
    "total_tokens",
]
