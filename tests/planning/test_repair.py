"""Which code is a function call in disguise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.planning.repair import Repair

FUNCTIONS = [
    {"name": "get_price", "parametersJsonSchema": {"properties": {"item": {}, "currency": {}}}},
    {"name": "shop.find", "parameters": {"properties": {"query": {}}}},
    {"name": "now"},
    {"name": "trip", "parameters": {"properties": {"from": {}, "to": {}}}},
]


def code(source: str, **around: str) -> dict:
    return {"executableCode": {"language": "PYTHON", "code": source}, **around}


@pytest.mark.parametrize(
    ("source", "calls"),
    [
        ('print(default_api.get_price(item="lamp"))', [("get_price", {"item": "lamp"})]),
        ('get_price("lamp", currency="EUR")', [("get_price", {"item": "lamp", "currency": "EUR"})]),
        ("print(default_api.now())", [("now", {})]),
        ('print(default_api.shop.find(query="x"))', [("shop.find", {"query": "x"})]),
        ('price = default_api.get_price(item="a")', [("get_price", {"item": "a"})]),
        (
            'print(default_api.get_price(item="a"))\nprint(default_api.get_price(item="b"))',
            [("get_price", {"item": "a"}), ("get_price", {"item": "b"})],
        ),
        (
            "get_price(item={'a': [1, -2.5, None, True]})",
            [("get_price", {"item": {"a": [1, -2.5, None, True]}})],
        ),
        ("print(now(), get_price('a'))", [("now", {}), ("get_price", {"item": "a"})]),
        ("[now(), get_price('a')]", [("now", {}), ("get_price", {"item": "a"})]),
        (
            "import default_api\nprice = default_api.get_price('a')\nprint(price)",
            [("get_price", {"item": "a"})],
        ),
        ("trip(from_='A', to='B')", [("trip", {"from": "A", "to": "B"})]),
        (
            "get_price(item=default_api.Item(name='a', sizes=(1, 2), of=dict(x=true)))",
            [("get_price", {"item": {"name": "a", "sizes": [1, 2], "of": {"x": True}}})],
        ),
    ],
)
def test_calls_in_disguise(source: str, calls: list) -> None:
    parts = Repair(FUNCTIONS).parts([code(source)])
    assert [(p["functionCall"]["name"], p["functionCall"]["args"]) for p in parts] == calls


@pytest.mark.parametrize(
    "source",
    [
        "print(3 * 9.5)",
        "print(get_price(item=lamp))",
        'price = get_price(item="a")\nprint(price * 2)',
        'price = get_price(item="a")\nprint(cost)',
        "import get_price",
        "get_price(**{'item': 'a'})",
        "get_price(*['a'])",
        "get_price('a', 'b', 'c')",
        "print(get_price('a'), 2)",
        "get_price(item={1, 2})",
        "get_price(item=b'a')",
        "get_price(item=1e999)",
        "get_price(item={1: 2})",
        "get_price(item={**{}})",
        "get_price(item=date(2026, 1, 1))",
        "get_price(item=datetime.date(year=2026))",
        "get_price(item=Item(**{}))",
        "default_api.unknown(x=1)",
        "def get_price(item): return 1\nprint(get_price('a'))",
        "get_price(",
        f"get_price({'-' * 100_000}1)",
        f"get_price{'()' * 2000}",
        "",
        "get_price\x00()",
    ],
    ids=lambda source: source[:60],
)
def test_code_that_is_code(source: str) -> None:
    part = code(source)
    assert Repair(FUNCTIONS).parts([part]) == [part]


def test_the_signature_stays_with_the_first_call() -> None:
    [first, second] = Repair(FUNCTIONS).parts([code("now()\nnow()", thoughtSignature="s")])
    assert (first["thoughtSignature"], "thoughtSignature" in second) == ("s", False)


def test_only_the_result_of_repaired_code_goes() -> None:
    result = {"codeExecutionResult": {"outcome": "OUTCOME_FAILED"}}
    repair = Repair(FUNCTIONS)
    call, text = repair.parts([code("now()"), {"text": ""}])
    assert ("functionCall" in call, text) == (True, {"text": ""})
    assert repair.parts([result]) == []
    kept = [code("print(1)"), result]
    assert repair.parts(kept) == kept


@given(st.text(max_size=60), st.sampled_from(["", "get_price(", "print(default_api.get_price("]))
def test_any_code_is_read_without_a_crash(text: str, before: str) -> None:
    assert Repair(FUNCTIONS).parts([code(before + text)])


@pytest.mark.parametrize(
    ("told", "calls"),
    [
        ('print(default_api.get_price(item="a lamp"))', [("get_price", {"item": "a lamp"})]),
        ('```tool_code\nprint(default_api.get_price(item="a"))\n```', [("get_price", {"item": "a"})]),
        ("now()\nnow()", [("now", {}), ("now", {})]),
        (
            'call:default_api:get_price{item:"a", currency:null}',
            [("get_price", {"item": "a", "currency": None})],
        ),
        ('call:shop.find{"query": {x: [1]}}', [("shop.find", {"query": {"x": [1]}})]),
        ('call:now{}\ncall:get_price{item:"a"}', [("now", {}), ("get_price", {"item": "a"})]),
        ('call:get_price{item:"} call:now{}"}', []),
        ("call:now{}call:unknown{}", []),
        ('call:get_price{item:<ctrl46>a "lamp"<ctrl46>}', [("get_price", {"item": 'a "lamp"'})]),
        ("print(default_api.unknown(x=1))", []),
        ("call:unknown{x:1}", []),
        ("call:now{", []),
        ("call:now{x:y}", []),
        ("print(default_api.get_price(", []),
        ("Failed to parse function call: Function call is empty - no input to parse.", []),
        ("Model tried to call an undeclared function: now", []),
    ],
)
@pytest.mark.parametrize("label", ["Malformed function call: ", "Unexpected tool call: ", ""])
def test_calls_told_in_the_finish_message(label: str, told: str, calls: list) -> None:
    parts = Repair(FUNCTIONS).calls_in_message(label + told)
    assert [(part["functionCall"]["name"], part["functionCall"]["args"]) for part in parts] == calls


@pytest.mark.parametrize(
    ("name", "meant"),
    [("default_api:now", "now"), ("default_api.now", "now"), ("default_api.x", "default_api.x")],
)
def test_a_call_under_the_prefix_of_the_api(name: str, meant: str) -> None:
    [part] = Repair(FUNCTIONS).parts([{"functionCall": {"name": name, "args": {}}}])
    assert part["functionCall"]["name"] == meant
