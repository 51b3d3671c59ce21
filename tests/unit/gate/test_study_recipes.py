"""Which variants a study makes, and why one cannot be made here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from vetgate.domain.compress import Compressor, Recipe, Step, Takes, Wants
from vetgate.domain.errors import UsageError
from vetgate.domain.setting import Setting, SettingKind, SettingSpec
from vetgate.domain.specs import CompressorSpec
from vetgate.gate.recipes import Given, choose, lacking, parse_recipe, parse_value
from vetgate.gate.setting import list_settings
from vetgate.host import Host, Kind, Offer, Plugin, Status

EVERYTHING = Given(training=True, calibration=True, donor=True)


def _never() -> Compressor:
    raise AssertionError("nothing is made here")


def _recipe(name: str, family: str, *steps: tuple[str, dict[str, Any]]) -> Recipe:
    made = tuple(Step(compressor=compressor, settings=settings) for compressor, settings in steps)
    return Recipe(name=name, family=family, label=name, steps=made)


PRUNE = CompressorSpec(
    "prune",
    "zeroes weights",
    Takes.MODULE,
    _never,
    (
        _recipe("prune-10", "Pruning", ("prune", {"rate": 0.1})),
        _recipe("prune-10+int8", "In sequence", ("prune", {"rate": 0.1}), ("int8", {})),
        _recipe("prune-50", "Pruning", ("prune", {"rate": 0.5})),
    ),
)
INT8 = CompressorSpec(
    "int8", "8 bits", Takes.ONNX, _never, (_recipe("int8", "Quantisation", ("int8", {})),), (Wants.CALIBRATION,), "onnx"
)
DISTIL = CompressorSpec("distil", "trains", Takes.MODULE, _never, (), (Wants.TRAINING, Wants.DONOR))


@pytest.fixture
def make_host() -> Callable[..., Host]:
    """What makes a host that offers compressors."""

    def make(*specs: CompressorSpec, missing: tuple[str, ...] = ()) -> Host:
        offers = tuple(
            Offer(Kind.COMPRESSOR, spec.name, spec, "p", "dist", missing if spec.extra else ()) for spec in specs
        )
        plugin = Plugin("p", "dist", "1", "module", Status.READY, offers=offers)
        return Host((plugin,), {Kind.COMPRESSOR: {offer.name: offer for offer in offers}})

    return make


@pytest.fixture
def host(make_host: Callable[..., Host]) -> Host:
    """A host with three compressors."""
    return make_host(PRUNE, INT8, DISTIL)


def _names(recipes: tuple[Recipe, ...]) -> list[str]:
    return [recipe.name for recipe in recipes]


def test_families_stand_together_and_sequences_come_last(host: Host) -> None:
    assert _names(choose(host)) == ["prune-10", "prune-50", "int8", "prune-10+int8"]


def test_recipes_are_chosen_and_left_out_by_name_or_family_with_patterns(host: Host) -> None:
    assert _names(choose(host, only=("prune-*",))) == ["prune-10", "prune-50", "prune-10+int8"]
    assert _names(choose(host, only=("pruning",))) == ["prune-10", "prune-50"]
    assert _names(choose(host, only=("prune-*",), skip=("in sequence", "*50"))) == ["prune-10"]


def test_an_unknown_recipe_is_refused_with_the_nearest_known(host: Host) -> None:
    with pytest.raises(UsageError, match=r"--only prune-11.*did you mean 'prune-10'"):
        choose(host, only=("prune-11",))
    with pytest.raises(UsageError, match="--skip nothing"):
        choose(host, skip=("nothing",))


def test_a_recipe_from_the_command_line_may_name_compressors_and_recipes(host: Host) -> None:
    recipe = parse_recipe("prune:rate=0.6+int8", host)
    assert recipe.steps == (Step(compressor="prune", settings={"rate": 0.6}), Step(compressor="int8"))
    assert recipe.name == "prune-rate0.6+int8"
    assert recipe.family == "In sequence"
    assert parse_recipe("prune-50+int8", host).steps[0].settings == {"rate": 0.5}
    single = parse_recipe("prune:rate=0.6", host)
    assert (single.family, single.label) == ("Pruning", "rate 0.6")


def test_what_is_on_offer_already_is_not_made_a_second_time(host: Host) -> None:
    assert _names(choose(host, variants=("prune:rate=0.1",))) == _names(choose(host))


@pytest.mark.parametrize("text", ["", "prune:", "prune:rate", "prune:rate=", "+int8", "prune-10:rate=1", "prun"])
def test_a_malformed_recipe_is_refused(host: Host, text: str) -> None:
    with pytest.raises(UsageError, match="--variant"):
        parse_recipe(text, host)


def test_two_recipes_of_one_name_are_refused(make_host: Callable[..., Host]) -> None:
    other = replace(INT8, name="int8-too")
    with pytest.raises(UsageError, match="two recipes are called 'int8'"):
        choose(make_host(INT8, other))


def test_a_setting_that_no_recipe_states_goes_to_every_step_of_its_compressor(host: Host) -> None:
    chosen = choose(host, settings={"prune": {"seed": 3}})
    assert all(step.settings["seed"] == 3 for r in chosen for step in r.steps if step.compressor == "prune")
    assert [step.settings["rate"] for r in chosen for step in r.steps if step.compressor == "prune"] == [0.1, 0.5, 0.1]
    with pytest.raises(UsageError, match="did you mean 'prune'"):
        choose(host, settings={"prunes": {"rate": 1}})


def test_a_setting_that_recipes_state_is_refused_for_their_names_would_no_longer_be_true(host: Host) -> None:
    stated = "--set prune.rate=0.2: recipes prune-10, prune-50, prune-10+int8 state rate"
    with pytest.raises(UsageError, match=re.escape(stated)) as told:
        choose(host, settings={"prune": {"rate": 0.2}})
    assert told.value.hint is not None
    assert "--variant prune:rate=0.2 makes another variant" in told.value.hint
    with pytest.raises(UsageError, match="recipe prune-50 states rate"):
        choose(host, only=("prune-50",), settings={"prune": {"rate": 0.5}})


def test_a_setting_for_no_recipe_of_the_study_is_refused(host: Host) -> None:
    with pytest.raises(UsageError, match=r"--set distil\.epochs=8: no recipe of this study has a step distil"):
        choose(host, settings={"distil": {"epochs": 8}})
    assert choose(host, variants=("distil",), settings={"distil": {"epochs": 8}})[-1].steps[0].settings == {"epochs": 8}


def test_patterns_that_leave_nothing_are_refused_unless_a_variant_is_named(host: Host) -> None:
    with pytest.raises(UsageError, match="nothing is left to make"):
        choose(host, only=("int8",), skip=("*",))
    assert _names(choose(host, skip=("*",), variants=("prune:rate=0.6",))) == ["prune-rate0.6"]


DECLARED = (
    SettingSpec("rate", SettingKind.SHARE, "of the weights", 0.0, 1.0, open=True),
    SettingSpec("rounds", SettingKind.WHOLE, "of pruning", 1, 9, default=1),
    SettingSpec("how", SettingKind.TEXT, "weights are chosen", choices=("least", "any"), default="least"),
)


@pytest.fixture
def strict(make_host: Callable[..., Host]) -> Host:
    """A host whose pruning declares its settings."""
    return make_host(replace(PRUNE, settings=DECLARED), INT8, DISTIL)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prune:rat=0.6", "compressor 'prune' has no setting 'rat'; did you mean 'rate'?"),
        ("prune:rate=1.6", "rate is 1.6, but must be a share above 0 and below 1"),
        ("prune:rate=1", "rate is 1, but must be a share above 0 and below 1"),
        ("prune:rate=half", "rate is 'half', but must be a share above 0 and below 1"),
        ("prune:rate=0.5,rounds=1.5", "rounds is 1.5, but must be a whole number from 1 to 9"),
        ("prune:rate=0.5,how=best", "how is 'best', but must be least or any"),
        ("prune:rounds=2+int8", "needs the setting 'rate': a share above 0 and below 1"),
        ("prune", "needs the setting 'rate'"),
    ],
)
def test_a_mistake_in_the_settings_of_a_variant_is_told_at_once(strict: Host, text: str, told: str) -> None:
    with pytest.raises(UsageError, match=re.escape(told)) as raised:
        choose(strict, variants=(text,))
    assert raised.value.message.startswith(f"--variant {text}: ")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"rounds": 0}, "--set prune.rounds=0: compressor 'prune': rounds is 0"),
        ({"round": 2}, "--set prune.round=2: compressor 'prune' has no setting 'round'; did you mean 'rounds'?"),
        ({"rate": "abc"}, "rate is 'abc', but must be a share"),
    ],
)
def test_a_mistake_in_a_setting_for_all_recipes_is_told_at_once(
    strict: Host, given: dict[str, Setting], told: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(told)):
        choose(strict, settings={"prune": given})
    with pytest.raises(UsageError, match=re.escape(told)):  # also where no recipe has the step
        choose(strict, only=("int8",), settings={"prune": given})


def test_what_a_compressor_does_not_declare_is_left_to_itself(host: Host) -> None:
    assert choose(host, variants=("prune:rat=0.6",))[-1].name == "prune-rat0.6"


def test_a_variant_may_get_what_it_needs_from_a_setting_for_all(strict: Host) -> None:
    chosen = choose(strict, skip=("*",), variants=("prune",), settings={"prune": {"rate": 0.6}})
    assert chosen[0].steps[0].settings == {"rate": 0.6}


def test_what_can_be_set_is_listed_with_what_it_may_be(strict: Host) -> None:
    listed = {each.name: (each.allowed, each.default) for each in list_settings(choose(strict), strict)}
    assert listed == {
        "prune.rate": ("a share above 0 and below 1", ""),
        "prune.rounds": ("a whole number from 1 to 9", "1"),
        "prune.how": ("least or any", "least"),
    }
    assert not list_settings(choose(strict, only=("int8",)), strict)


@pytest.mark.parametrize(
    ("text", "value"), [("3", 3), ("-3", -3), ("0.5", 0.5), ("1e-3", 0.001), ("none", "none"), ("nan", "nan")]
)
def test_a_value_is_a_number_where_it_reads_as_one(text: str, value: object) -> None:
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)


def test_what_a_recipe_lacks_is_told_with_the_flag_that_gives_it(host: Host) -> None:
    recipes = {recipe.name: recipe for recipe in choose(host, variants=("distil",))}
    assert lacking(recipes["prune-10"], Given(), host) == ""
    assert "--calibration-data" in lacking(recipes["prune-10+int8"], Given(), host)
    told = lacking(recipes["distil"], Given(calibration=True), host)
    assert "--train-data" in told
    assert "--donor" in told
    assert lacking(recipes["distil"], EVERYTHING, host) == ""


def test_a_missing_package_is_told_with_the_command_that_brings_it(make_host: Callable[..., Host]) -> None:
    host = make_host(PRUNE, INT8, missing=("onnx>=1.18",))
    recipe = next(recipe for recipe in choose(host) if recipe.name == "int8")
    assert lacking(recipe, EVERYTHING, host) == "needs onnx>=1.18: pip install 'dist[onnx]'"


def test_a_step_that_nobody_offers_or_that_comes_too_late_is_told(host: Host, make_host: Callable[..., Host]) -> None:
    recipe = _recipe("late", "f", ("int8", {}), ("prune", {}))
    assert "can only be the first step" in lacking(recipe, EVERYTHING, host)
    assert "no plugin offers the compressor 'int8'" in lacking(recipe, EVERYTHING, make_host(PRUNE))


@pytest.mark.parametrize("name", ["../evil", "a/b", "", ".hidden", "con trol", "x" * 200])
def test_a_recipe_whose_name_is_no_file_name_is_not_made(host: Host, name: str) -> None:
    assert "no file name" in lacking(_recipe(name, "f", ("prune", {})), EVERYTHING, host)


def test_a_long_recipe_gets_a_file_name_of_its_own(host: Host) -> None:
    texts = [f"prune:rate=0.5+{'+'.join(['int8'] * 40)}+int8:bits={bits}" for bits in (4, 8)]
    names = {parse_recipe(text, host).name for text in texts}
    assert len(names) == 2
    assert all(len(name) <= 80 for name in names)


def test_a_step_on_the_module_that_comes_too_late_is_a_mistake_in_the_command(host: Host) -> None:
    with pytest.raises(UsageError, match="prune works on the PyTorch module, so it can only be the first step"):
        parse_recipe("int8+prune:rate=0.5", host)
