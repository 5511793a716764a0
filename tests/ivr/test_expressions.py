"""Expressions of flows: what they compute, what is refused before publishing, and that nothing gets past it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from simpleeval import SimpleEval

from ivr.errors import ExpressionFailed
from ivr.expressions import MAX_LENGTH, Expression
from ivr.formulae import FUNCTIONS, GREATEST, LONGEST_TEXT, OPERATORS, SIGNATURES, Kind, Value, luhn
from ivr.kinds import kind_of

VARIABLES = {"caller": "13800000001", "balance": "128.50", "name": "张伟", "word": "abc"}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("'a' + \"b\"", "ab"),
        ("0.1 + 0.2", "0.3"),
        ("number(balance) * 3 - 1", "384.5"),
        ("1 / 3", "0.333333333"),
        ("7 % 4", "3"),
        ("100 * 1.00", "100"),
        ("-number(balance)", "-128.5"),
        ("round(number(balance), 0)", "129"),
        ("round(2.5, 0)", "3"),
        ("least(3, 2) + greatest(3, 2)", "5"),
        ("number(balance) >= 128.5 and caller != ''", "true"),
        ("not (1 < 2) or 2 <= 1", "false"),
        ("'380' in caller", "true"),
        ("'x' not in caller", "true"),
        ("part(caller, 1, 3)", "138"),
        ("part(caller, 8, 99)", "0001"),
        ("length(name)", "2"),
        ("digits('6225-8812 x')", "62258812"),
        ("upper(word) + lower('DEF')", "ABCdef"),
        ("starts_with(caller, '138') and ends_with(caller, '1')", "true"),
        ("is_number(word)", "false"),
        ("text(2.50)", "2.5"),
        ("'rich' if number(balance) > 1000 else 'poor'", "poor"),
        ("never_set", ""),
        ("True != False", "true"),
    ],
)
def test_what_an_expression_comes_to(text: str, result: str) -> None:
    assert Expression(text).written(VARIABLES) == result


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "1 to 500"),
        ("1 +", "not an expression"),
        ("1; 2", "not an expression"),
        ("balance > 1", "use number"),
        ("'a' == 1", "takes a text here"),
        ("'a' * 3", "takes a number here"),
        ("1 + 'a'", "takes a number here"),
        ("True + True", "joins texts"),
        ("1 < 2 < 3", "two values at a time"),
        ("1 if 1 else 2", "takes a truth here"),
        ("'a' if True else 1", "takes a text here"),
        ("number", "its \\(arguments\\)"),
        ("number(1)", "takes a text here"),
        ("part(word)", "takes text, number, number"),
        ("number(text=1)", "no function 'number'"),
        ("open('/etc/passwd')", "no function 'open'"),
        ("__import__('os')", "no function '__import__'"),
        ("caller.upper()", "no function ''"),
        ("caller.__class__", "Attribute is not part"),
        ("caller[0]", "Subscript is not part"),
        ("f'{caller}'", "JoinedStr is not part"),
        ("2 ** 9", "Pow is not part"),
        ("2 << 9", "LShift is not part"),
        ("[1 for x in 'ab']", "ListComp is not part"),
        ("lambda: 1", "Lambda is not part"),
        ("(x := 1)", "NamedExpr is not part"),
        ("1 is 1", "Is is not part"),
        ("b'x' == b'y'", "neither a text nor a number"),
        ("1e400", "neither a text nor a number"),
        ("1j", "neither a text nor a number"),
        ("Caller", "not the name of a variable"),
        ("'a\\x41'", "no backslash"),
        ("'a\nb'", "no control characters"),
        ("1if True else 2", "not an expression"),
        ("-" * 30 + "1", "at most 20 deep"),
        ("(" * 240 + "1" + ")" * 240, "not"),
        ("1" + " + 1" * 120, "deep"),
        ("'a' in 'b' or " * 34 + "True", "at most 100 parts"),
        ("x" * (MAX_LENGTH + 1), "1 to 500"),
    ],
)
def test_what_is_no_expression_says_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Expression(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("number(word)", "not a number"),
        ("number('')", "not a number"),
        ("number('NaN')", "beyond"),
        ("1 / 0", "by zero"),
        ("1 % 0", "by zero"),
        ("999999999 * 999999999", "beyond"),
        ("name + word", "longer than 1000"),
    ],
)
def test_what_cannot_be_computed_fails_with_a_reason(text: str, why: str) -> None:
    variables = {**VARIABLES, "name": "x" * 900, "word": "a" * 900}
    with pytest.raises(ExpressionFailed, match=why):
        Expression(text).value(variables)


_TEXTS = st.sampled_from(["caller", "balance", "'1.5'", "'x'", "word"])
_NUMBERS = st.sampled_from(
    ["1", "0", "2.5", "1000000000000000", "number(balance)", "number(caller)", "length(word)"]
)


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    calls = st.tuples(st.sampled_from(sorted(SIGNATURES)), st.lists(inner, max_size=3)).map(
        lambda call: f"{call[0]}({', '.join(call[1])})"
    )
    operators = st.sampled_from(
        ["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "and", "or", "in", "not in", "**"]
    )
    binary = st.tuples(inner, operators, inner).map(lambda three: f"({three[0]} {three[1]} {three[2]})")
    chosen = st.tuples(inner, inner, inner).map(lambda three: f"({three[0]} if {three[1]} else {three[2]})")
    return calls | binary | chosen | inner.map(lambda one: f"(not {one})") | inner.map(lambda one: f"(-{one})")


@given(st.recursive(_TEXTS | _NUMBERS, _grow, max_leaves=20), st.text(max_size=20))
def test_an_expression_that_passes_gives_a_bounded_value_of_its_kind_or_fails(text: str, word: str) -> None:
    try:
        expression = Expression(text)
    except ValueError:
        return
    variables = {**VARIABLES, "word": word}
    with suppress(ExpressionFailed):
        value = expression.value(variables)
        assert isinstance(value, {Kind.TEXT: str, Kind.NUMBER: Decimal, Kind.TRUTH: bool}[expression.kind])
        if isinstance(value, Decimal):
            assert abs(value) <= GREATEST
        if isinstance(value, str):
            assert len(value) <= LONGEST_TEXT
        assert len(expression.written(variables)) <= LONGEST_TEXT


def _joined(form: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(lambda chosen: form.format(*chosen))


def _typed(kind: Kind, depth: int) -> st.SearchStrategy[str]:
    """Expressions of one kind, every part of which fits where it stands, so deep at most."""
    ends = {
        Kind.TEXT: st.sampled_from(["caller", "balance", "word", "never_set", "'1.5'", "'x'", "''"]),
        Kind.NUMBER: st.sampled_from(["0", "1", "2.5", "0.1", "999999999", "1000000000000000"]),
        Kind.TRUTH: st.booleans().map(str),
    }
    if depth == 0:
        return ends[kind]
    text, number, truth = (_typed(each, depth - 1) for each in Kind)
    strategies = {Kind.TEXT: text, Kind.NUMBER: number, Kind.TRUTH: truth}
    order, same = (
        st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
        st.sampled_from(["==", "!=", "in", "not in"]),
    )
    grown = {
        Kind.TEXT: _joined("({} + {})", text, text),
        Kind.NUMBER: _joined("({} {} {})", number, st.sampled_from("+-*/%"), number) | _joined("(-{})", number),
        Kind.TRUTH: _joined("({} {} {})", number, order, number)
        | _joined("({} {} {})", text, same, text)
        | _joined("({} {} {} {} {})", truth, st.sampled_from(["and", "or"]), truth, st.just("and"), truth)
        | _joined("(not {})", truth),
    }[kind]
    calls = [
        _joined(f"{name}({', '.join('{}' for _ in takes)})", *(strategies[taken] for taken in takes))
        for name, (takes, gives) in SIGNATURES.items()
        if gives is kind
    ]
    chosen = _joined("({} if {} else {})", strategies[kind], truth, strategies[kind])
    return st.one_of(ends[kind], grown, chosen, *calls)


def _by_simpleeval(text: str, variables: Mapping[str, str]) -> Value:
    """The same language, evaluated part by part by an evaluator that we did not write."""
    tree, names = ast.parse(text, mode="eval").body, set[str]()
    kind_of(tree, names)
    kept = {name: variables.get(name, "")[:LONGEST_TEXT] for name in names}
    value: Value = SimpleEval(operators=OPERATORS, functions=FUNCTIONS, names=kept).eval(text, tree)
    return value


def _outcome(compute: Callable[[], Value]) -> tuple[type[object], str]:
    try:
        value = compute()
    except ExpressionFailed as failed:
        return type(failed), str(failed)
    return type(value), str(value)


@given(
    st.sampled_from(list(Kind)).flatmap(lambda kind: _typed(kind, 3)), st.text(max_size=20), st.integers(1, 100)
)
def test_an_expression_comes_to_what_simpleeval_makes_of_it(text: str, word: str, times: int) -> None:
    assume(len(text) <= MAX_LENGTH)
    expression, variables = Expression(text), {**VARIABLES, "word": word * times}
    expected = _outcome(lambda: _by_simpleeval(text, variables))
    assert _outcome(lambda: expression.value(variables)) == expected


@given(st.text(max_size=600))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    with suppress(ValueError, ExpressionFailed):
        Expression(text).value(VARIABLES)


@given(st.text("0123456789", min_size=2, max_size=40), st.data())
def test_luhn_finds_every_single_wrong_digit(body: str, data: st.DataObject) -> None:
    right = next(body + check for check in "0123456789" if luhn(body + check))
    at = data.draw(st.integers(0, len(right) - 1))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != right[at]]))
    assert not luhn(right[:at] + other + right[at + 1 :])
    assert luhn("4539578763621486")
    assert not luhn("4539 578763621486")
