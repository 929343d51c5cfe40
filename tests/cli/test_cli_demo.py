"""`demo`: the five questions come out, and the exit code tells when one does not."""

from dataclasses import replace

from langchain_codeexec.cli import demo as command
from langchain_codeexec.emulator.scenes import STAND_IN
from langchain_codeexec.errors import SandboxUnavailableError
from langchain_codeexec.sandbox.local import LocalSandbox
from tests.cli.conftest import words


def test_five_of_five_come_out(cli, tmp_path):
    result = cli("demo")
    assert result.exit_code == 0, result.stdout
    opening, *scenes = result.stdout.split("/5 ")
    assert STAND_IN in words(opening)
    assert [scene.splitlines()[0].strip() for scene in scenes] == [
        "a calculation",
        "a chat, first turn",
        "the same chat, second turn",
        "a plot",
        "a local function instead of code",
    ]
    for scene, fragments in zip(
        scenes,
        [
            ["total = sum(terms)", "total = 55\n", "is 55."],
            ["print('Hello world!')", "output · ok", "Hello world!\n"],
            ["total = 5117\n", "The sum of the first 50 prime numbers is 5117."],
            ["import matplotlib.pyplot as plt", "image/png, 640 x 480 pixels", "demo-output/image-"],
            ["call · pieces_in_stock", '{"article": "M8 bolt"}', "reply · pieces_in_stock", "returned: 1280"],
        ],
        strict=True,
    ):
        for fragment in ["question ─", *fragments, "answer ─", "(offline stand-in) · "]:
            assert fragment in scene
    assert scenes[-1].endswith("5 of 5 came out.\n")
    assert len(list((tmp_path / "demo-output").glob("image-*.png"))) == 1


def test_the_plot_goes_where_it_is_sent(cli, tmp_path):
    cli("demo", "--output-dir", "elsewhere")
    assert len(list((tmp_path / "elsewhere").iterdir())) == 1


def test_a_wrong_answer_is_named_and_fails(cli, monkeypatch):
    first, *_ = command.SCENES
    wrong = command.Scene("wrong", first.question, lambda answer: "56" in answer.text)
    monkeypatch.setattr(command, "SCENES", (wrong, first))
    result = cli("demo")
    assert result.exit_code == 1
    assert "This is not the answer it should be." in result.stdout
    assert "1 of 2 came out." in result.stdout


def test_an_error_fails_its_scene_alone(cli, monkeypatch, tmp_path):
    (tmp_path / "taken").write_text("a file")
    result = cli("demo", "--output-dir", "taken")
    assert result.exit_code == 1
    assert "could not be saved in" in result.stdout
    assert "4 of 5 came out." in result.stdout


def test_a_plot_without_its_library_is_left_out(cli, monkeypatch):
    first, *_ = command.SCENES
    monkeypatch.setattr(command, "SCENES", (first, replace(command.SCENES[3], library="no_such_library")))
    result = cli("demo")
    assert result.exit_code == 0
    assert (
        "no_such_library is not installed. Install it with: pip install 'langchain-codeexec[plots]'"
        in words(result.stdout)
    )
    assert result.stdout.endswith("1 of 1 came out, 1 was left out.\n")


def test_without_a_sandbox_it_warns_and_comes_out(cli, monkeypatch, caplog):
    def refuse(_sandbox: LocalSandbox) -> None:
        raise SandboxUnavailableError("no namespaces here")

    monkeypatch.setattr(LocalSandbox, "start", refuse)
    monkeypatch.setattr(command, "SCENES", command.SCENES[:1])
    result = cli("demo")
    assert (result.exit_code, "1 of 1 came out." in result.stdout) == (0, True)
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "Programs are not isolated here"
    ]
