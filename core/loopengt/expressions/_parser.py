"""Parses an expression into a function of its scope, and notes every name that it looks up."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from loopengt._references import Reference
from loopengt.errors import ExpressionError
from loopengt.expressions import _nodes as nodes
from loopengt.expressions._tokens import Cursor, Token, tokenize
from loopengt.expressions._values import ARITHMETIC, COMPARISONS, FILTERS, TESTS, Operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt.expressions._nodes import Evaluate

__all__ = ["MAX_LENGTH", "parse"]

MAX_LENGTH: Final = 10_000
"""Longest expression, in characters."""
MAX_DEPTH: Final = 30
"""Deepest nesting of brackets, so that neither parsing nor evaluating can exhaust the stack."""
MAX_OPERATIONS: Final = 200
"""Most look-ups, operators, filters and tests of one expression; each takes linear time at most."""

_LITERALS: Final = {
    **dict.fromkeys(("true", "True"), True),
    **dict.fromkeys(("false", "False"), False),
    **dict.fromkeys(("none", "None", "null"), None),
}
_KEYWORDS: Final = frozenset({"and", "else", "if", "in", "is", "not", "or"})
_DEFAULTS: Final = ("d", "default")


def parse(text: str) -> tuple[Evaluate, tuple[Reference, ...]]:
    """Parse an expression.

    Returns:
        A function of the scope, and every look-up in the order of the text.

    Raises:
        ExpressionError: The text is not an expression; ``column`` says where.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"the expression has {len(text):,} characters, more than {MAX_LENGTH:,}",
            column=1,
            remedy="let the step compute the value, and compare it here",
        )
    parser = _Parser(tokenize(text))
    return parser.whole(), tuple(parser.references)


class _Parser(Cursor):
    """A descent through the precedence levels, loosest first; chains are loops, brackets are levels."""

    def __init__(self, tokens: list[Token]) -> None:
        super().__init__(tokens)
        self._depth = 0
        self._operations = 0
        self.references: list[Reference] = []

    def whole(self) -> Evaluate:
        if self.token.kind == "end":
            raise ExpressionError("the expression is empty", column=1)
        node = self._choice()
        if self.token.kind != "end":
            raise self.unexpected("an operator")
        return node

    def _count(self, token: Token) -> Token:
        self._operations += 1
        if self._operations > MAX_OPERATIONS:
            raise ExpressionError(
                f"the expression has more than {MAX_OPERATIONS} operations",
                column=token.column,
                remedy="let the step compute the value, and compare it here",
            )
        return token

    def _choice(self) -> Evaluate:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(
                f"the expression is nested more than {MAX_DEPTH} levels deep", column=self.token.column
            )
        node = self._disjunction()
        if self.take("if"):
            condition = self._disjunction()
            self.expect("else")
            node = nodes.choice(condition, node, self._choice())
        self._depth -= 1
        return node

    def _disjunction(self) -> Evaluate:
        return self._joined("or", self._conjunction)

    def _conjunction(self) -> Evaluate:
        return self._joined("and", self._negation)

    def _joined(self, word: str, operand: Callable[[], Evaluate]) -> Evaluate:
        operands = [operand()]
        while token := self.take(word):
            self._count(token)
            operands.append(operand())
        if len(operands) == 1:
            return operands[0]
        return nodes.either(operands) if word == "or" else nodes.both(operands)

    def _negation(self) -> Evaluate:
        count = 0
        while token := self.take("not"):
            self._count(token)
            count += 1
        node = self._comparison()
        return nodes.truth(node, negated=count % 2 == 1) if count else node

    def _comparison(self) -> Evaluate:
        first = self._sum()
        pairs: list[nodes.Pair] = []
        while token := self._comparison_operator():
            self._count(token)
            pairs.append(nodes.Pair(COMPARISONS[token.text], self._sum(), token.column))
        return nodes.compared(first, pairs) if pairs else first

    def _comparison_operator(self) -> Token | None:
        if token := self.take("not"):
            self.expect("in")
            return token._replace(text="not in")
        return self.take("==", "!=", "<", "<=", ">", ">=", "in")

    def _sum(self) -> Evaluate:
        return self._calculated(("+", "-"), lambda: self._calculated(("*", "/", "//", "%"), self._signed))

    def _calculated(self, words: tuple[str, ...], operand: Callable[[], Evaluate]) -> Evaluate:
        first = operand()
        pairs: list[nodes.Pair] = []
        while token := self.take(*words):
            self._count(token)
            pairs.append(nodes.Pair(ARITHMETIC[token.text], operand(), token.column))
        return nodes.calculated(first, pairs) if pairs else first

    def _signed(self) -> Evaluate:
        signs = []
        while token := self.take("-"):
            signs.append(self._count(token))
        seen = len(self.references)
        node = self._postfix()
        if signs:
            node = nodes.negated(node, len(signs), signs[0].column)
        return self._piped(node, seen)

    # look-ups

    def _postfix(self) -> Evaluate:
        start = self.token
        if start.kind != "name" or start.text in _KEYWORDS or start.text in _LITERALS:
            return self._elements(self._primary())
        self._count(self.advance())
        if self.at("("):
            raise _no_call(start)
        return self._path(start)

    def _path(self, root: Token) -> Evaluate:
        """A name with the keys behind it: one look-up as long as the keys are literal."""
        mine = len(self.references)
        self.references.append(Reference((root.text,), root.column))
        keys: list[str | int] = []
        computed: tuple[Evaluate, int] | None = None
        while computed is None and self.at(".", "["):
            column, key = self.token.column, self._key()
            if callable(key):
                computed = key, column
            else:
                keys.append(key)
        self.references[mine] = Reference((root.text, *keys), root.column)
        node = nodes.path(root.text, tuple(keys), root.column)
        return self._elements(nodes.element(node, *computed)) if computed else node

    def _elements(self, node: Evaluate) -> Evaluate:
        while self.at(".", "["):
            column, key = self.token.column, self._key()
            node = nodes.element(node, key if callable(key) else nodes.constant(key), column)
        return node

    def _key(self) -> str | int | Evaluate:
        opening = self._count(self.advance())
        if opening.text == ".":
            name = self.advance() if self.token.kind == "name" else None
            if name is None:
                raise self.unexpected("a name")
            if self.at("("):
                raise _no_call(name)
            return name.text
        key: str | int | Evaluate
        literal = self.token.kind in ("string", "number") and not isinstance(self.token.value, float)
        key = self.advance().value if literal and self.following.text == "]" else self._choice()
        self.expect("]")
        return key

    def _primary(self) -> Evaluate:
        token = self.token
        if token.kind in ("number", "string"):
            return nodes.constant(self.advance().value)
        if token.kind == "name" and token.text in _LITERALS:
            return nodes.constant(_LITERALS[self.advance().text])
        if self.take("("):
            node = self._choice()
            self.expect(")")
            return node
        if self.take("["):
            return nodes.listed(self._arguments("]"))
        raise self.unexpected("a value")

    def _arguments(self, closing: str) -> list[Evaluate]:
        found: list[Evaluate] = []
        while not self.at(closing):
            found.append(self._choice())
            if not self.take(","):
                break
        self.expect(closing)
        return found

    # filters and tests

    def _piped(self, node: Evaluate, seen: int) -> Evaluate:
        while token := self.take("|", "is"):
            self._count(token)
            node = self._filter(node, seen) if token.text == "|" else self._test(node, seen)
        return node

    def _filter(self, node: Evaluate, seen: int) -> Evaluate:
        name = self._word("filter", (*FILTERS, *_DEFAULTS))
        if name.text in _DEFAULTS:
            self._guard(seen)
            arguments = self._arguments(")") if self.take("(") else []
            _check_count(name, "filter", Operation(len, 1, 1), arguments)
            return nodes.defaulted(node, arguments[0])
        arguments = self._arguments(")") if self.take("(") else []
        _check_count(name, "filter", FILTERS[name.text], arguments)
        return nodes.applied(FILTERS[name.text].call, [node, *arguments], name.column)

    def _test(self, node: Evaluate, seen: int) -> Evaluate:
        negated = self.take("not") is not None
        name = self._word("test", (*TESTS, "None", "defined", "undefined"))
        if name.text in ("defined", "undefined"):
            self._guard(seen)
            return nodes.defined(node, negated=negated != (name.text == "undefined"))
        test = TESTS[name.text.lower()]
        arguments: list[Evaluate] = []
        if self.take("("):
            arguments = self._arguments(")")
        elif test.most and self.token.kind in ("string", "number", "name"):
            arguments = [self._postfix()]
        _check_count(name, "test", test, arguments)
        return nodes.truth(nodes.applied(test.call, [node, *arguments], name.column), negated=negated)

    def _word(self, kind: str, known: tuple[str, ...]) -> Token:
        if self.token.kind != "name":
            raise self.unexpected(f"the name of a {kind}")
        token = self.advance()
        if token.text in known:
            return token
        nearest = difflib.get_close_matches(token.text, known, 1)
        remedy = f"did you mean {nearest[0]!r}?" if nearest else f"known: {', '.join(sorted(known))}"
        raise ExpressionError(f"unknown {kind} {token.text!r}", column=token.column, remedy=remedy)

    def _guard(self, seen: int) -> None:
        self.references[seen:] = [replace(one, guarded=True) for one in self.references[seen:]]


def _check_count(name: Token, kind: str, operation: Operation, arguments: list[Evaluate]) -> None:
    if operation.least <= len(arguments) <= operation.most:
        return
    wanted = "no arguments" if operation.most == 0 else "one argument"
    raise ExpressionError(
        f"the {kind} {name.text!r} takes {wanted}, found {len(arguments)}", column=name.column
    )


def _no_call(name: Token) -> ExpressionError:
    remedy = "use a filter instead, such as output|length or output|lower"
    if name.text == "len":
        remedy = "use the filter: value|length"
    elif name.text == "get":
        remedy = "write value.key|default(other)"
    elif name.text in ("startswith", "endswith"):
        remedy = f"write value is {name.text.replace('swith', 'ingwith')} '…'"
    return ExpressionError(
        f"{name.text!r} cannot be called: there are no functions", column=name.column, remedy=remedy
    )
