"""Hostile files: what stands for far more than it holds is refused in bounded memory."""

from __future__ import annotations

import tracemalloc

import pytest

from loopengt.errors import SpecError
from loopengt.spec import parse_document


def bomb(width: int, size: int) -> str:
    """About ``size`` bytes of anchors, each of which repeats the one before it ``width`` times."""
    lines = ["a0: &a0 x"]
    while size > 0:
        number = len(lines)
        lines.append(f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * width)}]")
        size -= len(lines[-1])
    return "\n".join(lines)


def merges(count: int) -> str:
    """A wide mapping that is merged into many others."""
    wide = ", ".join(f"k{number}: 1" for number in range(1_000))
    return f"x: &x {{{wide}}}\n" + "".join(f"m{number}: {{<<: *x}}\n" for number in range(count))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (bomb(10, 1_000_000), "expand to more than 20,000 values"),
        (bomb(2, 1_000_000), "expand to more than 20,000 values"),
        (bomb(1, 1_000_000), "nested more than 100 levels deep, aliases expanded"),
        ("a: &a x\nb: [" + "*a, " * 250_000 + "]", "expand to more than 20,000 values"),
        (merges(50_000), "expand to more than 20,000 values"),
        ("".join(f"5{number}: x\n" for number in range(100_000)), "too many problems"),
    ],
    ids=["ten-fold", "two-fold", "chain", "flat", "merges", "problems"],
)
def test_bombs(text: str, message: str) -> None:
    """A megabyte that stands for far more is refused in bounded memory, long before it is expanded."""
    tracemalloc.start()
    try:
        with pytest.raises(SpecError) as caught:
            parse_document(text)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert any(message in problem.message for problem in caught.value.problems)
    assert peak < 30_000_000


def test_text_is_bounded() -> None:
    """A text that did not come from a file may be no larger than a file."""
    with pytest.raises(SpecError, match="larger than 4 MB"):
        parse_document("#" * 5_000_000)


@pytest.mark.slow
def test_number_of_values_is_bounded() -> None:
    """A file of nothing but tiny values is refused too."""
    with pytest.raises(SpecError, match="more than 250,000 values"):
        parse_document("[" + "1," * 260_000 + "]")


def test_large_scalar() -> None:
    """A megabyte of text in one value is nothing special."""
    assert len(parse_document(f"a: {'x' * 1_000_000}").data["a"]) == 1_000_000
