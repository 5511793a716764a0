"""Numbers at the border of a trunk, and routes by prefix."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.contracts.words import TrunkId
from gateway.errors import BadTrunk
from gateway.sip.number_rules import MAX_RULES, NumberRule, check_rules, rewrite
from gateway.sip.outbound_routes import OutboundRoute, OutboundRoutes, TrunkChoice

#: E.164 to what is dialled in the country, and back.
TO_NATIONAL = (
    NumberRule(prefix="+861", shortest=14, longest=14, strip=3),
    NumberRule(prefix="+86", strip=3, add="0"),
    NumberRule(prefix="+", strip=1, add="00"),
)
TO_E164 = (
    NumberRule(prefix="00", strip=2, add="+"),
    NumberRule(prefix="0", strip=1, add="+86"),
    NumberRule(prefix="1xx", shortest=11, longest=11, add="+86"),
)


@pytest.mark.parametrize(
    ("e164", "national"),
    [("+8613800000001", "13800000001"), ("+861088886666", "01088886666"), ("+442071838750", "00442071838750")],
)
def test_e164_and_national_forms_are_rewritten_both_ways(e164: str, national: str) -> None:
    assert rewrite(TO_NATIONAL, e164) == national
    assert rewrite(TO_E164, national) == e164


def test_the_first_rule_that_fits_counts_and_others_leave_the_number() -> None:
    rules = (NumberRule(prefix="9n", strip=1), NumberRule(prefix="9", add="8"))
    assert rewrite(rules, "95") == "5"
    assert rewrite(rules, "91") == "891"
    assert rewrite(rules, "110") == "110"
    assert rewrite(rules, "") == ""


@pytest.mark.parametrize(
    "rule",
    [
        NumberRule(prefix="(a+)+"),
        NumberRule(prefix="1" * 33),
        NumberRule(add="sip:"),
        NumberRule(shortest=0),
        NumberRule(shortest=5, longest=4),
        NumberRule(strip=65),
        NumberRule(prefix="12", strip=3),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: NumberRule) -> None:
    with pytest.raises(BadTrunk, match="number rule"):
        check_rules((rule,))


def test_there_are_not_too_many_rules() -> None:
    check_rules((NumberRule(),) * MAX_RULES)
    with pytest.raises(BadTrunk, match="at most"):
        check_rules((NumberRule(),) * (MAX_RULES + 1))


_RULES = st.builds(
    NumberRule,
    prefix=st.text("0123456789+*#xn", max_size=5),
    shortest=st.integers(1, 5),
    longest=st.integers(5, 64),
    strip=st.integers(0, 5),
    add=st.text("0123456789+*#", max_size=5),
)


@given(st.lists(_RULES, max_size=5), st.text(max_size=70))
def test_no_number_breaks_a_rule_that_was_checked(rules: list[NumberRule], number: str) -> None:
    kept = []
    for rule in rules:
        try:
            rule.check()
        except BadTrunk:
            continue
        kept.append(rule)
    result = rewrite(kept, number)
    fitting = [rule for rule in kept if rule.fits(number)]
    assert result == (fitting[0].add + number[fitting[0].strip :] if fitting else number)


# --- routes -----------------------------------------------------------------------------------------------


def choice(trunk: str, priority: int = 0, weight: int = 1) -> TrunkChoice:
    return TrunkChoice(trunk=TrunkId(trunk), priority=priority, weight=weight)


def test_the_longest_prefix_wins_and_an_exact_number_before_all() -> None:
    routes = OutboundRoutes(lambda: 0.0)
    routes.replace(
        [
            OutboundRoute(prefix="", choices=(choice("any"),)),
            OutboundRoute(prefix="0", choices=(choice("national"),)),
            OutboundRoute(prefix="00", choices=(choice("abroad"),)),
            OutboundRoute(prefix="110", exact=True, emergency=True, choices=(choice("police"),)),
        ]
    )
    assert routes.trunks("13800000001") == ["any"]
    assert routes.trunks("01088886666") == ["national"]
    assert routes.trunks("0044207") == ["abroad"]
    assert routes.trunks("110") == ["police"]
    assert routes.is_emergency("110")
    assert routes.trunks("1100") == ["any"]
    assert not routes.is_emergency("1100")


def test_trunks_are_tried_by_priority_and_in_proportion_to_weights() -> None:
    numbers = iter([0.74, 0.0, 0.0, 0.76, 0.0, 0.0])
    routes = OutboundRoutes(lambda: next(numbers))
    routes.replace(
        [OutboundRoute(prefix="", choices=(choice("last", 1), choice("big", 0, 3), choice("small", 0, 1)))]
    )
    assert routes.trunks("1") == ["big", "small", "last"]
    assert routes.trunks("1") == ["small", "big", "last"]


def test_a_number_without_a_route_has_no_trunk() -> None:
    routes = OutboundRoutes(lambda: 0.0)
    routes.replace([OutboundRoute(prefix="9", choices=(choice("a"),))])
    assert routes.trunks("1") == []
    assert not routes.is_emergency("1")


@pytest.mark.parametrize(
    "route",
    [
        OutboundRoute(prefix="a", choices=(choice("x"),)),
        OutboundRoute(prefix="1", choices=()),
        OutboundRoute(prefix="", emergency=True, choices=(choice("x"),)),
        OutboundRoute(prefix="1", choices=(choice("x", weight=-1),)),
    ],
)
def test_a_route_that_makes_no_sense_is_refused(route: OutboundRoute) -> None:
    with pytest.raises(BadTrunk):
        route.check()
