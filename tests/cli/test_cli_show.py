"""`show`: what was kept, from JSON and from checkpoints."""

import json
import sqlite3

import nbformat
import pytest
from langchain_core.load import dumpd
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, MessagesState, StateGraph

USAGE = {"input_tokens": 1000, "output_tokens": 1000, "total_tokens": 2000}
MESSAGES = [HumanMessage("How much?"), AIMessage("It is **42**.", usage_metadata=USAGE)]


@pytest.fixture
def run(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"messages": dumpd(MESSAGES)}))
    return tmp_path / "run.json"


@pytest.fixture
def checkpoints(tmp_path):
    """A file of SQLite with a thread for each question."""

    def keep(*threads: str):
        graph = StateGraph(MessagesState)
        graph.add_node("model", lambda state: {"messages": [AIMessage(f"To {state['messages'][-1].text}")]})
        graph.add_edge(START, "model")
        path = tmp_path / "threads.sqlite"
        with SqliteSaver.from_conn_string(str(path)) as saver:
            for thread in threads:
                graph.compile(checkpointer=saver).invoke(
                    {"messages": [("user", thread)]}, {"configurable": {"thread_id": thread}}
                )
        return path

    return keep


def test_prints_a_conversation(cli, run):
    for result in (cli("show", "run.json"), cli("show", "-", input=run.read_text())):
        assert result.exit_code == 0
        assert "question ─" in result.stdout
        assert "It is **42**.\n" in result.stdout
        assert "2,000 tokens: 1,000 in, 1,000 out\n" in result.stdout


def test_writes_a_page_and_a_notebook_with_costs(cli, run, tmp_path):
    result = cli("show", "run.json", "--html", "a.html", "--notebook", "a.ipynb", "--price", "1,2.5")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "<strong>42</strong>" in (tmp_path / "a.html").read_text()
    assert "cost 0.003500" in (tmp_path / "a.html").read_text()
    nbformat.validate(nbformat.read(tmp_path / "a.ipynb", as_version=4))


def test_shows_threads_of_checkpoints_and_leaves_them_as_they_are(cli, checkpoints):
    path = checkpoints("one", "two")
    before = path.read_bytes()
    assert "To two" in cli("show", path.name, "--thread", "two").stdout
    assert path.read_bytes() == before


def test_the_only_thread_needs_no_name(cli, checkpoints):
    assert "To one" in cli("show", checkpoints("one").name).stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("missing.json", "missing.json cannot be read: No such file or directory"),
        ("text.json", "text.json is neither JSON nor a file of `SqliteSaver`"),
        ("none.json", "there are no messages in int"),
        ("run.json --thread x", "only a file of checkpoints has threads"),
        ("run.json --price much", "the price of '*' for prompt must be an amount of money, not 'much'"),
        ("run.json --html a --notebook a", "--html and --notebook name the same file"),
        ("run.json --html no/a.html", "'no/a.html' cannot be written"),
        ("other.sqlite", "other.sqlite has no checkpoints of LangGraph"),
        ("threads.sqlite", "name a thread that threads.sqlite has with --thread; it has: one, two"),
        ("threads.sqlite --thread three", "it has: one, two"),
    ],
)
@pytest.mark.usefixtures("run")
def test_what_cannot_be_shown_is_named(refusal, checkpoints, tmp_path, options, message):
    (tmp_path / "text.json").write_text("# text")
    (tmp_path / "none.json").write_text("7")
    with sqlite3.connect(tmp_path / "other.sqlite") as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    checkpoints("one", "two")
    assert message in refusal("show", *options.split())
