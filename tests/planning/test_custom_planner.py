"""Planners out of functions, the check of plans, and leaving the choice to the model."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from langchain_codeexec import planning
from langchain_codeexec.errors import CodeExecError, PlanningError
from langchain_codeexec.planning import NativePlanner, Plan, Planner, checked_plan, planner

ALL = ("get_weather", "catalog.lookupPrice", "send_invoice", "list_open_orders", "book_meeting_room")


@pytest.mark.parametrize(
    ("choice", "code_execution", "functions"),
    [
        ("code_execution", True, ()),
        ("functions", False, ALL),
        ("both", True, ALL),
        ("neither", False, ()),
    ],
)
async def test_a_choice_in_one_word(request_for, choice, code_execution, functions):
    def choose(request):
        return choice

    async def achoose(request):
        return choice

    request = request_for("hello", way="native")
    plan = planner(choose).plan(request)
    assert (plan.code_execution, plan.functions, plan.way) == (code_execution, functions, "native")
    assert plan.reason.startswith("choose chose ")
    assert await planner(choose).aplan(request) == plan
    assert (await planner(achoose).aplan(request)).functions == functions


def test_a_coroutine_function_outside_of_an_event_loop(request_for):
    async def choose(request):
        return "functions"

    assert planner(choose).plan(request_for("hello")).functions == ALL


async def test_a_coroutine_function_cannot_be_waited_for_inside_of_one(request_for):
    async def choose(request):
        return "functions"

    with pytest.raises(PlanningError, match="call aplan instead"):
        planner(choose).plan(request_for("hello"))


def test_both_without_code_execution_is_functions(request_for):
    plan = planner(lambda request: "both").plan(request_for("hello", code_execution=False))
    assert (plan.code_execution, plan.functions) == (False, ALL)


def test_as_a_decorator(request_for):
    @planner
    def weather_only(request):
        """Only ever the weather."""
        return Plan(code_execution=False, functions=("get_weather",), reason="it is all I know")

    assert isinstance(weather_only, Planner)
    assert weather_only.__doc__ == "Only ever the weather."
    assert repr(weather_only) == "PlannerFunction(weather_only)"
    assert weather_only.plan(request_for("hello")).reason == "it is all I know"


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (None, "answered None"),
        ("sideways", "'sideways'"),
        (SimpleNamespace(code_execution=True), "must answer a Plan"),
        (Plan(code_execution=False, functions=("get_wether",)), "'get_wether'; declared are 'get_weather', "),
        (Plan(code_execution=False, functions=("get_weather", "get_weather")), "named twice"),
        (Plan(code_execution="yes"), "code_execution must be True or False, not 'yes'"),
        (Plan(code_execution=False, functions="get_weather"), "functions must be a tuple of names"),
        (Plan(code_execution=False, functions=(1,)), "functions must be a tuple of names"),
        (Plan(code_execution=True, way="both"), "way must be one of 'native', 'delegated', 'one_sided'"),
        (Plan(code_execution=True, reason=None), "reason must be text"),
    ],
)
def test_a_plan_that_cannot_be_carried_out(request_for, plan, words):
    with pytest.raises(PlanningError, match=re.escape(words)):
        planner(lambda request: plan).plan(request_for("hello"))


@pytest.mark.parametrize(
    ("plan", "settings", "words"),
    [
        (Plan(code_execution=True), {"code_execution": False}, "switched off"),
        (Plan(code_execution=False, functions=("f",)), {"tools": []}, "no functions are declared"),
    ],
)
def test_a_plan_for_what_is_not_there(request_for, plan, settings, words):
    with pytest.raises(PlanningError, match=words):
        checked_plan(plan, request_for("hello", **settings))


def test_a_list_of_names_becomes_a_tuple(request_for):
    plan = checked_plan(Plan(code_execution=False, functions=["get_weather"]), request_for("hello"))
    assert plan.functions == ("get_weather",)


def test_planning_errors_are_value_errors_of_this_package():
    assert issubclass(PlanningError, CodeExecError)
    assert issubclass(PlanningError, ValueError)


@pytest.mark.parametrize(
    ("settings", "code_execution", "functions", "offered"),
    [
        ({"way": "delegated"}, True, ALL, "code execution and all functions"),
        ({"way": "native", "tools": []}, True, (), "code execution"),
        ({"way": "native", "code_execution": False}, False, ALL, "all functions"),
        ({"way": "native", "code_execution": False, "tools": []}, False, (), "nothing"),
    ],
)
async def test_the_native_planner_offers_all_there_is(
    request_for, settings, code_execution, functions, offered
):
    request = request_for("hello", **settings)
    plan = NativePlanner().plan(request)
    assert plan == await NativePlanner().aplan(request)
    assert (plan.code_execution, plan.functions, plan.way) == (code_execution, functions, settings["way"])
    assert plan.reason == f"the model chooses; it is offered {offered}"


def test_every_public_name_can_be_imported():
    assert set(planning.__all__) <= set(dir(planning))
    assert all(getattr(planning, name) is not None for name in planning.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Oracle'"):
        getattr(planning, "Oracle")  # noqa: B009 -- an expression of its own would be useless
