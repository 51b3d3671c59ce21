"""Laws of parse_quantity and format_quantity: what a report prints, a policy can say."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vetgate.domain.unit import Unit, format_about, format_beside, format_limit, format_quantity, parse_quantity

EVERY_UNIT = pytest.mark.parametrize("unit", list(Unit))
FIGURES = st.floats(min_value=1e-9, max_value=1e12) | st.floats(min_value=-1e12, max_value=-1e-9) | st.just(0.0)


@EVERY_UNIT
@given(value=FIGURES, signed=st.booleans())
def test_what_is_printed_reads_back_to_the_digits_that_are_printed(unit: Unit, value: float, signed: bool) -> None:
    text = format_quantity(value, unit, signed=signed)
    back = parse_quantity(text.replace(",", ""), unit)
    rounding = 5.1e-5 if unit is Unit.FRACTION else 0.0
    assert back == pytest.approx(value, rel=5.1e-4, abs=rounding)


@EVERY_UNIT
@given(value=FIGURES, signed=st.booleans())
def test_nothing_that_is_not_zero_prints_as_zero_and_the_sign_is_kept(unit: Unit, value: float, signed: bool) -> None:
    back = parse_quantity(format_quantity(value, unit, signed=signed).replace(",", ""), unit)
    assert math.copysign(1, back) == math.copysign(1, value)
    assert (back == 0) == (value == 0)


@given(value=st.floats(min_value=0.9, max_value=1, exclude_max=True))
def test_no_share_below_one_prints_as_one_hundred_per_cent(value: float) -> None:
    assert float(format_quantity(value, Unit.FRACTION).removesuffix(" %")) < 100 or value * 100 == 100


@EVERY_UNIT
@given(value=FIGURES, nudge=st.floats(min_value=-1e-3, max_value=1e-3), signed=st.booleans())
def test_a_figure_beside_its_threshold_reads_like_it_only_when_it_is_it(
    unit: Unit, value: float, nudge: float, signed: bool
) -> None:
    other = value * (1 + nudge)
    text = format_beside(value, other, unit, signed=signed)
    read, beside = (parse_quantity(told.replace(",", ""), unit) for told in (text, format_limit(other, unit)))
    assert value == other or read != beside or math.isclose(value, other)


@EVERY_UNIT
@given(value=FIGURES, signed=st.booleans())
def test_a_limit_reads_back_exactly(unit: Unit, value: float, signed: bool) -> None:
    text = format_limit(value, unit, signed=signed)
    assert parse_quantity(text.replace(",", ""), unit) == pytest.approx(value, rel=1e-11)


@EVERY_UNIT
@given(value=st.floats(allow_nan=False, allow_infinity=False), signed=st.booleans())
def test_any_finite_number_prints_in_a_width_that_a_table_can_hold(unit: Unit, value: float, signed: bool) -> None:
    assert len(format_quantity(value, unit, signed=signed)) <= 26


@pytest.mark.parametrize(
    ("value", "unit", "signed", "text"),
    [
        (0.9676, Unit.FRACTION, False, "96.76 %"),
        (-0.0037, Unit.FRACTION, True, "-0.37 pp"),
        (0.0049, Unit.FRACTION, True, "+0.49 pp"),
        (0.0, Unit.FRACTION, True, "0.00 pp"),
        (-0.0, Unit.FRACTION, True, "0.00 pp"),
        (0.999961, Unit.FRACTION, False, "99.996 %"),
        (0.00001, Unit.FRACTION, False, "0.001 %"),
        (1.0, Unit.FRACTION, False, "100.00 %"),
        (0.690012, Unit.RATIO, False, "0.6900 ×"),
        (1.1, Unit.RATIO, False, "1.1 ×"),
        (1.00002, Unit.RATIO, False, "1.000 ×"),
        (1.0, Unit.RATIO, False, "1 ×"),
        (0.000312345, Unit.SECONDS, False, "0.3123 ms"),
        (1.2034, Unit.SECONDS, False, "1,203 ms"),
        (41.234, Unit.SECONDS, False, "41.23 s"),
        (-0.0000123, Unit.SECONDS, True, "-0.01230 ms"),
        (0.620123, Unit.MEGABYTES, False, "0.6201 MB"),
        (12345.6, Unit.PER_SECOND, False, "12,346 /s"),
        (2.412e-8, Unit.BITS, False, "2.412e-8 bit"),
        (0.00024, Unit.BITS, False, "0.00024 bit"),
        (147066.0, Unit.COUNT, False, "147,066"),
        (9_412_345_678.0, Unit.COUNT, False, "9,412,345,678"),
        (-128440.0, Unit.COUNT, True, "-128,440"),
        (12.5, Unit.COUNT, False, "12.50"),
        (-0.43117, Unit.SCORE, False, "-0.4312"),
        (None, Unit.SCORE, False, "–"),
    ],
)
def test_figures_read_as_people_write_them(value: float | None, unit: Unit, signed: bool, text: str) -> None:
    assert format_quantity(value, unit, signed=signed) == text


def test_a_bound_just_past_its_threshold_shows_the_digit_that_decides() -> None:
    assert format_beside(-0.010041, -0.01, Unit.FRACTION, signed=True) == "-1.004 pp"
    assert format_beside(1.00002, 1.0, Unit.RATIO) == "1.00002 ×"
    assert format_beside(-0.01, -0.01, Unit.FRACTION, signed=True) == "-1.00 pp"
    assert format_beside(0.9676, 0.975, Unit.FRACTION) == "96.76 %"
    assert format_beside(-0.001249, -0.001245, Unit.FRACTION, signed=True) == "-0.125 pp"
    assert format_beside(-0.001249, -0.00125, Unit.FRACTION, signed=True) == "-0.12 pp"
    assert format_beside(None, 0.5, Unit.RATIO) == "–"


@pytest.mark.parametrize(
    ("value", "unit", "signed", "text"),
    [
        (-0.01, Unit.FRACTION, True, "-1 pp"),
        (0.02, Unit.FRACTION, True, "+2 pp"),
        (0.975, Unit.FRACTION, False, "97.5 %"),
        (1.1, Unit.RATIO, False, "1.1 ×"),
        (0.012, Unit.SECONDS, False, "12 ms"),
        (12.0, Unit.SECONDS, False, "12 s"),
        (9_345_920.0, Unit.COUNT, False, "9,345,920"),
        (0.0, Unit.SCORE, True, "0"),
    ],
)
def test_limits_print_as_a_policy_has_them(value: float, unit: Unit, signed: bool, text: str) -> None:
    assert format_limit(value, unit, signed=signed) == text


def test_an_estimated_count_is_rounded_up_to_two_digits() -> None:
    assert [format_about(count) for count in (0, 7, 59, 100, 541, 13_602)] == ["0", "7", "59", "100", "550", "14,000"]


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("-1pp", Unit.FRACTION, -0.01),
        ("97.5%", Unit.FRACTION, 0.975),
        ("0.975", Unit.FRACTION, 0.975),
        (" 12 ms ", Unit.SECONDS, 0.012),
        ("12 µs", Unit.SECONDS, 12e-6),
        ("1.10", Unit.RATIO, 1.1),
        ("110 %", Unit.RATIO, 1.1),
        ("1.1 ×", Unit.RATIO, 1.1),
        ("3.4MB", Unit.MEGABYTES, 3.4),
        ("620 kB", Unit.MEGABYTES, 0.62),
        ("9.4M", Unit.COUNT, 9.4e6),
        ("450 /s", Unit.PER_SECOND, 450.0),
        (0, Unit.SCORE, 0.0),
        (0.001, Unit.RATIO, 0.001),
    ],
)
def test_quantities_mean_what_their_suffix_says(text: str | float, unit: Unit, value: float) -> None:
    assert parse_quantity(text, unit) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("1pp", Unit.RATIO),
        ("5 ms", Unit.FRACTION),
        (0.005, Unit.SECONDS),
        (12, Unit.MEGABYTES),
        ("1,5", Unit.SCORE),
        ("1e999", Unit.SCORE),
        ("nan", Unit.SCORE),
        ("inf", Unit.SCORE),
        ("", Unit.SCORE),
        ("ten", Unit.COUNT),
        ("3 MiB", Unit.MEGABYTES),
        (True, Unit.COUNT),
    ],
)
def test_a_suffix_of_another_unit_or_no_number_is_refused(text: str, unit: Unit) -> None:
    with pytest.raises(ValueError, match=r"number|expected|finite"):
        parse_quantity(text, unit)
