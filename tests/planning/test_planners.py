"""Planners out of functions, the check of plans, and leaving the choice to the model."""

import re
from types import SimpleNamespace

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.runnables import RunnableLambda

from langchain_codeexec import ChatGeminiCodeExecution
from langchain_codeexec.errors import ConfigurationError, PlanningError
from langchain_codeexec.planning import NativePlanner, Plan, Planner, PlannerFunction
from langchain_codeexec.planning.plan import aplan_call, plan_call
from langchain_codeexec.planning.planners import checked_planner

ALL = ("get_weather", "catalog.lookupPrice", "send_invoice", "list_open_orders", "book_meeting_room")


@pytest.mark.parametrize(
    ("choice", "code_execution", "functions"),
    [("code_execution", True, ()), ("functions", False, ALL), ("both", True, ALL), ("neither", False, ())],
)
async def test_a_choice_in_one_word(request_for, choice, code_execution, functions):
    def choose(request):
        return choice

    async def achoose(request):
        return choice

    request = request_for("hello", way="native")
    plan = PlannerFunction(choose).plan(request)
    assert (plan.code_execution, plan.functions, plan.way) == (code_execution, functions, "native")
    assert plan.reason.startswith("choose chose ")
    assert await PlannerFunction(choose).aplan(request) == plan
    assert (await PlannerFunction(achoose).aplan(request)).functions == functions


async def choose_functions(request):
    return "functions"


def test_a_coroutine_function_outside_of_an_event_loop(request_for):
    assert PlannerFunction(choose_functions).plan(request_for("hello")).functions == ALL


async def test_a_coroutine_function_cannot_be_waited_for_inside_of_one(request_for):
    with pytest.raises(PlanningError, match="call aplan instead"):
        PlannerFunction(choose_functions).plan(request_for("hello"))


def test_both_without_code_execution_is_functions(request_for):
    plan = PlannerFunction(lambda request: "both").plan(request_for("hello", code_execution=False))
    assert (plan.code_execution, plan.functions) == (False, ALL)


@pytest.mark.parametrize(
    ("plan", "words", "settings"),
    [
        (Plan(code_execution=True), "switched off", {"code_execution": False}),
        (Plan(code_execution=False, functions=("f",)), "no functions are declared", {"functions": []}),
        (None, "<lambda> chose None; it may choose 'code_execution', ", {}),
        ("sideways", "'sideways'", {}),
        (SimpleNamespace(code_execution=True), "'neither' or give a Plan", {}),
        (
            Plan(code_execution=False, functions=("get_wether",)),
            "'get_wether'; declared are 'get_weather', ",
            {},
        ),
        (Plan(code_execution=False, functions=("get_weather", "get_weather")), "named twice", {}),
        (Plan(code_execution="yes"), "code_execution must be True or False, not 'yes'", {}),
        (Plan(code_execution=False, functions="get_weather"), "functions must be a tuple of names", {}),
        (Plan(code_execution=False, functions=(1,)), "functions must be a tuple of names", {}),
        (Plan(code_execution=True, way="both"), "way must be one of 'native', 'delegated', 'one_sided'", {}),
        (Plan(code_execution=True, reason=None), "reason must be text", {}),
    ],
)
def test_a_plan_that_cannot_be_carried_out(request_for, plan, words, settings):
    with pytest.raises(PlanningError, match=re.escape(words)):
        PlannerFunction(lambda request: plan).plan(request_for("hello", **settings))


async def test_a_planner_object_must_give_a_plan(request_for):
    class Word(NativePlanner):
        def plan(self, request):
            return "both"

    request = request_for("hello", way="native")
    with pytest.raises(PlanningError, match="a planner answered 'both'; it must answer a Plan"):
        plan_call(request, Word())
    with pytest.raises(PlanningError, match="a planner answered 'both'; it must answer a Plan"):
        await aplan_call(request, Word())


def test_a_list_of_names_becomes_a_tuple(request_for):
    plan = Plan(code_execution=False, functions=["get_weather"])
    assert PlannerFunction(lambda request: plan).plan(request_for("hello")).functions == ("get_weather",)


@pytest.mark.parametrize(
    ("settings", "code_execution", "functions", "offered"),
    [
        ({"way": "delegated"}, True, ALL, "code execution and all functions"),
        ({"way": "native", "functions": []}, True, (), "code execution"),
        ({"way": "native", "code_execution": False}, False, ALL, "all functions"),
        ({"way": "native", "code_execution": False, "functions": []}, False, (), "nothing"),
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


def test_a_planner_or_a_function_is_taken():
    planner = NativePlanner()
    assert checked_planner(planner) is planner
    assert isinstance(checked_planner(None), NativePlanner)
    assert isinstance(checked_planner(lambda request: "both"), Planner)


@pytest.mark.parametrize(
    ("planner", "words"),
    [
        ("auto", "'auto' is no planner"),
        (NativePlanner, "pass an instance"),
        (SimpleNamespace(plan=lambda request: "both"), "needs plan() and aplan()"),
        (RunnableLambda(lambda request: "both"), "is no planner"),
        (FakeListChatModel(responses=[]), "ModelPlanner(llm) lets a chat model plan"),
    ],
)
def test_anything_else_is_refused_where_it_is_set(planner, words):
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        checked_planner(planner)
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        ChatGeminiCodeExecution(model="gemini-2.5-flash", api_key="any", planner=planner)
