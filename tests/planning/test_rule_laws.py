"""Laws that RulePlanner keeps for any request."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage

from langchain_codeexec.planning import PlanRequest, RulePlanner, checked_plan

NAMES = ["get_weather", "findPrice", "mail.send", "x", "Tools_3_ListThings"]
WORDS = st.sampled_from(
    "get weather price of the send mail list 12 3.5 50% Paris 'quoted' a=2 [1, 2] then compute total and in "
    "tomorrow use run python code without tool average it x^2 https://a.example bob@example.com ? .".split(
        " "
    )
)
TEXTS = st.one_of(st.lists(WORDS, max_size=20).map(" ".join), st.text(max_size=60))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
BLOCKS = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, TEXTS),
    st.builds(lambda kind, rest: {**rest, "type": kind}, st.sampled_from(["file", "image", "media", "odd"]), st.fixed_dictionaries({"mime_type": JSON, "file": JSON})),
    st.dictionaries(st.text(max_size=8), JSON, max_size=3),
)  # fmt: skip
CONTENT = st.one_of(TEXTS, st.lists(BLOCKS, max_size=3))
CALLS = st.lists(
    st.builds(
        lambda name, number: {"name": name, "args": {}, "id": f"c{number}"},
        st.sampled_from([*NAMES, "unknown"]),
        st.integers(0, 3),
    ),
    max_size=2,
)
MESSAGES = st.lists(
    st.one_of(
        st.builds(HumanMessage, CONTENT),
        st.builds(SystemMessage, TEXTS),
        st.builds(ChatMessage, TEXTS, role=st.just("critic")),
        st.builds(lambda content, calls: AIMessage(content, tool_calls=calls), CONTENT, CALLS),
        st.builds(
            lambda text, number, status: ToolMessage(text, tool_call_id=f"c{number}", status=status),
            TEXTS,
            st.integers(0, 3),
            st.sampled_from(["success", "error"]),
        ),
    ),
    max_size=6,
)
SCHEMAS = st.one_of(
    st.builds(
        lambda names, kind: {
            "type": "object",
            "properties": {name: {"type": kind, "description": "start of it"} for name in names},
            "required": names,
        },
        st.lists(
            st.sampled_from(["city", "date", "start", "n", "query", "to_unit"]), max_size=3, unique=True
        ),
        st.sampled_from(["string", "number", "array", "boolean", "object", "odd"]),
    ),
    st.fixed_dictionaries({"type": st.just("object"), "properties": JSON, "required": JSON}),
)
TOOLS = st.lists(st.sampled_from(NAMES), unique=True, max_size=4).flatmap(
    lambda names: st.tuples(
        *(
            st.builds(
                lambda description, schema, name=name: {
                    "functionDeclarations": [
                        {"name": name, "description": description, "parametersJsonSchema": schema}
                    ]
                },
                TEXTS,
                SCHEMAS,
            )
            for name in names
        )
    )
)


@given(MESSAGES, TOOLS, st.booleans(), st.sampled_from(["native", "delegated", "one_sided"]))
def test_every_request_gets_a_plan_that_can_be_carried_out(messages, tools, code_execution, way):
    request = PlanRequest(messages, tools, code_execution=code_execution, way=way)
    plan = RulePlanner().plan(request)
    assert checked_plan(plan, request) == plan
    assert plan.reason
    assert not (plan.code_execution and plan.functions and way == "one_sided")


@given(MESSAGES, TOOLS)
def test_the_same_request_gets_the_same_plan(messages, tools):
    assert RulePlanner().plan(PlanRequest(messages, tools)) == RulePlanner().plan(
        PlanRequest(messages, tools)
    )


@given(MESSAGES, TOOLS)
def test_the_order_of_the_tools_does_not_matter(messages, tools):
    plans = {
        (plan.code_execution, frozenset(plan.functions), plan.reason)
        for order in itertools.islice(itertools.permutations(tools), 6)
        for plan in [RulePlanner().plan(PlanRequest(messages, order))]
    }
    assert len({plan[:2] for plan in plans}) <= 1


@pytest.mark.parametrize(
    "piece", ["[,", "a.", "1 ", "'", "a-", "A ", "_", "1,", "don't use ", "x=", "is 5 to ", "/a"]
)
def test_long_texts_are_read_in_part(piece):
    request = PlanRequest(
        [HumanMessage(piece * 20_000 + " What is 2 + 3?")], [{"name": "f", "description": "d"}]
    )
    assert checked_plan(RulePlanner().plan(request), request)
