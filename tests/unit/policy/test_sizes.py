"""How many images or pairs each rule needs, told before a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from vetgate.cli.outlook import counted, show_sizes
from vetgate.domain.policy import Policy
from vetgate.domain.specs import MetricSpec
from vetgate.policy.sizes import SampleCounts, Size, sizes, unsettled

TOP1 = "{metric: accuracy.top1, of: delta, at_least: -1pp, confidence: 95%}"
AGREEMENT = "{metric: similarity.agreement, at_least: 97.5%, confidence: 95%}"
Sizes = Callable[..., Size]


@pytest.fixture
def size_of(rule_policy: Callable[[str], Policy], metrics: Mapping[str, MetricSpec]) -> Sizes:
    """Returns what the only rule of a policy needs."""

    def _size(rule: str, counts: SampleCounts | None = None, *, sequential: bool = False) -> Size:
        (size,) = sizes(rule_policy(rule), metrics, counts, sequential=sequential)
        return size

    return _size


def test_a_paired_rule_needs_what_the_power_calculation_says(size_of: Sizes) -> None:
    size = size_of(TOP1, SampleCounts(500))
    assert (size.identical, size.discordant, size.there, size.why_open) == (299, (1_237, 3_092), 500, "")


def test_a_run_that_may_stop_early_needs_what_betting_expects(size_of: Sizes) -> None:
    size = size_of(TOP1, SampleCounts(500), sequential=True)
    assert size.identical is not None
    assert 299 < size.identical <= 500
    assert all(count is not None and count > size.identical for count in size.discordant)
    assert size_of(TOP1, SampleCounts(350), sequential=True).why_open.startswith("350 images are too few")
    assert size_of(TOP1, SampleCounts(350)).why_open == ""


@pytest.mark.parametrize("sequential", [False, True])
def test_a_share_is_planned_for_perfect_models_and_half_way_to_the_limit(size_of: Sizes, sequential: bool) -> None:
    size = size_of(AGREEMENT, SampleCounts(100), sequential=sequential)
    assert size.identical is not None
    assert size.halfway is not None
    assert 119 <= size.identical < size.halfway
    assert size.why_open.startswith("100 images are too few: at least 97.5 % at 95 % takes at least")
    flips = size_of("{metric: similarity.negative_flips, at_most: 2.5%, confidence: 95%}", sequential=sequential)
    assert (flips.identical, flips.halfway) == (size.identical, size.halfway)


def test_a_ratio_of_times_needs_pairs_and_no_images(size_of: Sizes) -> None:
    size = size_of("{metric: latency.p50, of: ratio, at_most: 1.1, confidence: 95%}", SampleCounts(10))
    assert (size.counts, size.there, size.why_open) == ("pairs", None, "")
    few, many = size.discordant
    assert few is not None
    assert many is not None
    assert 5 < few < many


def test_a_rule_that_allows_no_loss_is_never_settled_for_equal_models(size_of: Sizes) -> None:
    size = size_of(TOP1.replace("-1pp", "0pp"), SampleCounts(10**6))
    assert size.identical is None
    assert "no number of images" in size.why_open


def test_what_rests_on_resampling_is_not_planned(size_of: Sizes) -> None:
    size = size_of("{metric: accuracy.f1_macro, of: delta, at_least: -1pp, confidence: 95%}", SampleCounts(50))
    assert (size.identical, size.why_open) == (None, "")
    assert size.note == "known after a first run only"


def test_the_least_number_of_images_of_maps_and_boxes_is_known_before_a_run(size_of: Sizes) -> None:
    miou = "{metric: segmentation.miou, of: delta, at_least: -1pp, confidence: 95%}"
    size = size_of(miou, SampleCounts(48, annotated=True))
    assert (size.identical, size.discordant, size.there) == (299, (), 48)
    assert size.why_open.startswith("48 images are too few: at least -1 pp at 95 % takes at least 299")
    assert size_of(miou, SampleCounts(299, annotated=True)).why_open == ""
    wider = size_of("{metric: segmentation.miou, of: delta, at_least: -2pp, confidence: 95%}", SampleCounts(60))
    assert (wider.identical, wider.note) == (
        149,
        "of others known after a first run only",
    )
    again = size_of("{metric: detection.found_again, at_least: 95%, confidence: 95%}")
    assert (again.identical, again.halfway) == (59, None)
    each = size_of(
        miou.replace("miou", "iou").replace("of:", "slice: each label, of:"), SampleCounts(9, annotated=True)
    )
    assert (each.identical, each.there, each.why_open) == (299, None, "")
    never = size_of(miou.replace("-1pp", "0pp"), SampleCounts(10**6, annotated=True))
    assert "no number of images" in never.why_open
    beside = size_of(miou.replace("of:", "versus: baseline, of:"))
    assert (beside.identical, beside.note) == (None, "known after a first run only")


def test_pairs_are_planned_only_for_figures_that_come_as_pairs(size_of: Sizes) -> None:
    planned = size_of("{metric: latency.p50, of: ratio, at_most: 1.1, confidence: 95%}", None)
    assert (planned.discordant, planned.note) == ((6, 46), "")
    other = size_of("{metric: latency.p99, of: ratio, at_most: 1.1, confidence: 95%}", None)
    assert (other.discordant, other.note) == ((), "known after a first run only")


def test_a_value_that_the_data_do_not_have_is_named_with_those_they_have(size_of: Sizes) -> None:
    rule = "{metric: accuracy.recall, of: delta, slice: cta, at_least: -5pp, confidence: 95%}"
    size = size_of(rule, SampleCounts(900, {"cat": 900}))
    assert size.why_open == "the data has no class cta; label has 'cat'"


def test_the_smallest_slice_that_is_assessed_decides(size_of: Sizes) -> None:
    counts = SampleCounts(1_000, {"cat": 800, "dog": 58, "axolotl": 3}, {"weather": {"rain": 40, "sun": 900}})
    each = size_of("{metric: accuracy.recall, of: delta, slice: each label, at_least: -5pp, confidence: 95%}", counts)
    assert each.there == 58
    assert each.why_open.startswith("too few images of 'dog': at least -5 pp")
    rain = "{metric: accuracy.top1, of: delta, slice: weather=rain, at_least: -5pp, confidence: 95%}"
    assert size_of(rain, counts).why_open.startswith("40 images of 'rain' are too few")
    assert size_of(rain.replace("weather=rain", "each brightness"), counts).there is None
    hail = size_of(rain.replace("rain", "hail"), counts)
    assert (hail.there, hail.why_open) == (0, "the data has no weather hail; weather has 'rain', 'sun'")
    none = size_of(rain.replace("weather=rain", "each weather, fewest: 5000"), counts)
    assert "no weather has 5,000 images" in none.why_open


def test_rules_that_need_no_numbers_have_none(
    rule_policy: Callable[[str], Policy], metrics: Mapping[str, MetricSpec]
) -> None:
    rules = "{metric: footprint.size_mb, at_most: 3MB, confidence: 95%}, {metric: accuracy.top1, at_least: 90%}"
    assert sizes(rule_policy(rules), metrics, SampleCounts(1)) == ()


@pytest.mark.parametrize("confidence", ["50.1%", "99.99999%"])
@pytest.mark.parametrize("limit", ["-0.0000001pp", "-99.99pp", "3pp", "0pp"])
@pytest.mark.parametrize("sequential", [False, True])
def test_no_level_and_no_margin_breaks_the_plan(size_of: Sizes, confidence: str, limit: str, sequential: bool) -> None:
    rule = f"{{metric: accuracy.top1, of: delta, at_least: {limit}, confidence: {confidence}}}"
    assert size_of(rule, SampleCounts(1), sequential=sequential).rule == "accuracy.top1/delta"


def test_the_table_marks_what_is_more_than_there_is_and_names_what_cannot_be_settled(
    rule_policy: Callable[[str], Policy], metrics: Mapping[str, MetricSpec], capsys: pytest.CaptureFixture[str]
) -> None:
    rules = f"{TOP1}, {AGREEMENT}, {{metric: latency.p50, of: ratio, at_most: 1.1, confidence: 95%}}"
    counts = SampleCounts(200)
    found = sizes(rule_policy(rules), metrics, counts)
    show_sizes(found, sequential=False)
    printed = capsys.readouterr().out
    rows = {line.split()[0]: line.split() for line in printed.splitlines() if line.startswith("  ")}
    assert rows["accuracy.top1/delta"][1:] == ["299*", "1,237*", "3,092*", "-", "200", "CANNOT", "BE", "SETTLED"]
    assert rows["similarity.agreement"][1] == "119"
    assert "timing pairs needed" in printed
    assert "rules that these images cannot settle\n  accuracy.top1/delta: 200 images are too few" in printed
    show_sizes(sizes(rule_policy(rules), metrics, counts, sequential=True), sequential=True)
    assert "images on average until a decision" in capsys.readouterr().out
    assert [item.rule for item in unsettled(rule_policy(rules), metrics, counts)] == ["accuracy.top1/delta"]


def test_two_limits_take_more_images_than_one_for_both_must_hold(size_of: Sizes) -> None:
    one = size_of(TOP1, None)
    both = size_of(TOP1.replace("-1pp", "-1pp, at_most: 1pp"), None)
    assert one.discordant == (1_237, 3_092)
    assert both.identical == one.identical
    # (1.645 + 1.282)^2 p / m^2
    assert both.discordant == (1_713, 4_282)


@pytest.mark.parametrize(
    ("limits", "note"),
    [
        ("at_least: 1pp, at_most: 5pp", "asks for a gain; what that takes depends on the gain there is"),
        ("at_most: -1pp", "asks for a loss; what that takes depends on the loss there is"),
        ("at_least: -100pp", "nothing can break it"),
    ],
)
def test_what_an_equal_candidate_cannot_keep_or_break_has_no_plan(size_of: Sizes, limits: str, note: str) -> None:
    size = size_of(TOP1.replace("at_least: -1pp", limits), SampleCounts(10))
    assert (size.note, size.identical, size.discordant, size.why_open) == (note, None, (), "")


def test_the_worst_slice_is_planned_by_the_smallest_slice_that_there_is(size_of: Sizes) -> None:
    counts = SampleCounts(1_000, {"cat": 800, "dog": 58, "axolotl": 3})
    rule = "{metric: accuracy.worst_slice, of: delta, slice: each label, at_least: -5pp, confidence: 95%}"
    size = size_of(rule, counts)
    assert (size.there, size.why_open, size.note) == (58, "", "rests on its smallest slice: more images of that help")
    gone = size_of(rule.replace("label", "height"), counts)
    assert gone.why_open == "the data has no column 'height'; there are label, brightness, contrast, size"


def test_live_figures_beside_a_baseline_have_no_plan_for_nothing_settles_them(size_of: Sizes) -> None:
    rule = "{metric: latency.p50, of: ratio, versus: baseline, at_most: 1.2, confidence: 95%}"
    assert size_of(rule).note == "has no bounds beside a baseline, so that nothing settles it"


def test_a_number_of_images_that_nobody_knows_yet_is_explained(
    rule_policy: Callable[[str], Policy], metrics: Mapping[str, MetricSpec], capsys: pytest.CaptureFixture[str]
) -> None:
    looks = TOP1.replace("of: delta", "of: delta, slice: each brightness")
    show_sizes(sizes(rule_policy(looks), metrics, SampleCounts(900)), sequential=False)
    assert "?: not known before images are opened" in capsys.readouterr().out
    show_sizes(sizes(rule_policy(TOP1), metrics, SampleCounts(900)), sequential=False)
    assert "?" not in capsys.readouterr().out


def test_one_is_counted_in_the_singular() -> None:
    assert [counted(number, "rule") for number in (0, 1, 2, 1000)] == ["0 rules", "1 rule", "2 rules", "1,000 rules"]
