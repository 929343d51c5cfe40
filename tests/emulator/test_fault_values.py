"""How faults are spelled, which request they hit, and the route that changes them."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.emulator import Fault, Faults, ScriptedBrain, create_app
from langchain_codeexec.errors import ConfigurationError

ASK = {"contents": [{"role": "user", "parts": [{"text": "Go"}]}], "tools": [{"codeExecution": {}}]}


def always(prompt):
    return "Fine."


FAULTS = "/__emulator__/faults"


@pytest.mark.parametrize(
    ("spelled", "fault"),
    [
        ("quota", Fault("quota")),
        ("503", Fault("status")),
        ("429:retry_after=1.5", Fault("status", status_code=429, retry_after=1.5)),
        ("latency:seconds=2,rate=0.1,seed=7", Fault("latency", seconds=2, rate=0.1, seed=7)),
        (" error : after=2, message=Sorry ", None),
        ("error:after=2, message=Sorry", Fault("error", after=2, message="Sorry")),
        ({"kind": "cut", "after": 1}, Fault("cut", after=1)),
        (Fault("empty"), Fault("empty")),
    ],
)
def test_spellings(spelled, fault):
    if fault is None:
        with pytest.raises(ConfigurationError):
            Fault.of(spelled)
        return
    read = Fault.of(spelled)
    assert read == fault
    assert Fault.of(read.as_json()) == read
    assert Fault.of(json.loads(json.dumps(read.as_json()))) == read


@pytest.mark.parametrize(
    ("spelled", "message"),
    [
        ("", "there is no fault ''; choose from none, status"),
        ("kuota", "there is no fault 'kuota'"),
        ("quota:after=1", "'quota' has no setting after; it has method, rate, retry_after, seed"),
        ("latency:seconds=long", "seconds of the fault 'latency' is 'long', not a number of seconds"),
        ("latency:seconds=-1", "seconds"),
        ("cut:after=1.5", "after of the fault 'cut' is 1.5, not a number of chunks"),
        ("quota:rate=1.1", "between 0 and 1"),
        ("quota:method=7", "method of the fault 'quota' is 7, not the name of a method"),
        ("200", "status_code of the fault 'status' is 200"),
        ("quota:retry", "is no fault; give a kind and any of"),
        ({"after": 1}, "is no fault"),
        (7, "is no fault"),
        ({"kind": "cut", "after": True}, "after"),
        ({"kind": "error", "message": None}, "message"),
    ],
)
def test_what_is_no_fault_is_told_at_once(spelled, message):
    with pytest.raises(ConfigurationError) as caught:
        Faults([spelled])
    assert message in str(caught.value)


@given(rate=st.floats(0, 1), seed=st.integers(0, 100))
def test_a_rate_hits_the_same_requests_for_the_same_seed(rate, seed):
    fault = Fault("quota", rate=rate, seed=seed)
    first, second = Faults([fault]), Faults([fault])
    hits = [first.take() for _ in range(50)]
    assert hits == [second.take() for _ in range(50)]
    assert set(hits) <= {(), (fault,)}
    assert first.pending == (fault,)
    if rate in (0, 1):
        assert set(hits) == ({(fault,)} if rate else {()})


def test_a_rate_is_about_that_share():
    faults = Faults(["quota:rate=0.25,seed=1"])
    assert 200 < sum(bool(faults.take()) for _ in range(1000)) < 300


def test_faults_come_together():
    faults = Faults(["latency:seconds=1,rate=1", "503"])
    assert [fault.kind for fault in faults.take()] == ["status", "latency"]
    assert [fault.kind for fault in faults.take()] == ["latency"]
    faults.clear()
    assert faults.take() == faults.pending == ()


def test_a_wrong_one_leaves_all_as_it_was():
    faults = Faults(["quota"])
    for change in (lambda: faults.add("503", "oops"), lambda: faults.replace(["503", "oops"])):
        with pytest.raises(ConfigurationError, match="oops"):
            change()
    assert faults.pending == (Fault("quota"),)


@given(rates=st.lists(st.floats(0, 1), max_size=3))
def test_headers_are_told_apart(rates):
    faults, spelled = Faults(), [Fault("quota", rate=rate, seed=7) for rate in rates]
    headers = [Faults.header(*spelled)["x-emulator-faults"] for _ in range(2)]
    hits = [[faults.take(header) for _ in range(10)] for header in headers]
    assert hits == [[own.take() for _ in range(10)] for own in (Faults(spelled), Faults(spelled))]
    assert faults.take() == ()


def test_the_oldest_headers_are_forgotten():
    faults, once = Faults(), Faults.header("503")["x-emulator-faults"]
    assert [len(faults.take(once)) for _ in range(2)] == [1, 0]
    for number in range(1000):
        faults.take(f"#{number}")
    assert len(faults.take(once)) == 1


@pytest.mark.parametrize("message", ["a, b", "a;b", "a#b", "é", " a"])
def test_what_does_not_fit_into_a_header_is_refused(message):
    with pytest.raises(ConfigurationError, match="cannot be in a header"):
        Faults.header(Fault("status", message=message))


def test_the_admin_route_lists_sets_and_removes(start):
    client = start(always, faults=["quota"])
    assert client.http.get(FAULTS).json() == {"faults": [{"kind": "quota"}]}
    wanted = [{"kind": "status", "status_code": 500}, "latency:seconds=1,rate=0,seed=3"]
    answer = client.http.put(FAULTS, json={"faults": wanted}).json()
    assert answer == {
        "faults": [
            {"kind": "status", "status_code": 500},
            {"kind": "latency", "seconds": 1, "rate": 0, "seed": 3},
        ]
    }
    assert client.http.put(FAULTS, json=answer).json() == answer
    assert client.ask(ASK).status_code == 500
    assert client.http.delete(FAULTS).json() == {"faults": []}
    assert client.emulator.faults.pending == ()


@pytest.mark.parametrize(
    "body", ['{"faults": ["oops"]}', "[]", '{"faults": {}}', "{}", '{"faults": [7]}', "{", "x" * (1 << 21)]
)
def test_the_admin_route_refuses_what_is_no_fault(start, body):
    client = start(always, faults=["quota"])
    response = client.http.put(FAULTS, content=body)
    assert response.status_code == 400
    assert response.json()["error"]["status"] == "INVALID_ARGUMENT"
    assert client.emulator.faults.pending == (Fault("quota"),)


def test_an_unknown_client_is_not_on_this_machine():
    async def ask(client):
        transport = httpx.ASGITransport(create_app(ScriptedBrain(always)), client=client)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            return (await http.get(FAULTS)).status_code

    assert asyncio.run(ask(("192.0.2.1", 5))) == 403
    assert asyncio.run(ask(("unix", 5))) == 403
    assert asyncio.run(ask(("127.0.0.1", 5))) == 200
