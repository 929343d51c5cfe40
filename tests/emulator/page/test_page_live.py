"""The page in a real browser: what it shows, and what can be done with it."""

from __future__ import annotations

import base64
import json
import subprocess
import threading

import httpx
import pytest

from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain

CODE = [{"codeExecution": {}}]
PRICE = {"functionDeclarations": [{"name": "get_price", "parameters": {"type": "OBJECT", "properties": {}}}]}


@pytest.fixture
def expect():
    return pytest.importorskip("playwright.sync_api").expect


def rows(tab):
    return tab.get_by_role("listbox", name="Requests").get_by_role("option")


def opened(tab, asking, text, **fields):
    """Ask, and look at it."""
    asking.ask(text, **fields)
    number = asking.last()["number"]
    tab.locator(f"#row-{number}").click()
    tab.wait_for_selector(f'#detail[data-number="{number}"] h2')
    return tab.locator("#detail")


# -- the list ------------------------------------------------------------------------------------------


def test_an_empty_page_tells_how_to_send_the_first_request(tab, cleared, expect):
    command = tab.locator("#empty pre").inner_text()
    assert cleared.emulator.url in command
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=True)
    assert "candidates" in json.loads(done.stdout)
    expect(rows(tab)).to_have_count(1)
    expect(tab.locator("#empty")).to_be_hidden()


def test_requests_appear_as_they_come(tab, cleared, expect):
    cleared.ask("Hello there", tools=[*CODE])
    expect(rows(tab)).to_have_count(1)
    cleared.http.post("/v1/publishers/google/models/gemini-3-pro-preview:countTokens", json={"contents": []})
    cleared.http.get("/v1beta/nothing")
    expect(rows(tab)).to_have_count(3)
    first = rows(tab).nth(2)
    expect(first).to_contain_text("gemini-2.5-flash")
    expect(first).to_contain_text("Developer")
    expect(first).to_contain_text("Hello there")
    expect(first).to_contain_text("tok")
    expect(first).to_contain_text("code")
    expect(rows(tab).nth(1)).to_contain_text("Vertex")
    expect(rows(tab).nth(0)).to_contain_text("404")


def test_news_is_told_once_in_a_while(tab, cleared, expect):
    tab.clock.install()
    tab.reload()
    tab.wait_for_selector("[data-state=connected]")
    cleared.ask("One")
    cleared.ask("Two")
    expect(rows(tab)).to_have_count(2)
    tab.clock.fast_forward(5000)
    expect(tab.locator("#news")).to_have_text("2 new requests")


def test_an_answer_under_way_is_shown_as_it_grows(chromium, expect):
    go = threading.Event()

    class Slow:
        def respond(self, prompt):
            yield {"text": "First words. "}
            assert go.wait(30)
            yield {"text": "Last words."}

    with GeminiEmulator(Slow()) as emulator:
        tab = chromium.new_page()
        tab.goto(emulator.page_url)
        url = f"{emulator.url}/v1beta/models/gemini-3-flash-preview:streamGenerateContent?alt=sse&key=k"
        body = {"contents": [{"parts": [{"text": "Go on"}]}]}
        asking = threading.Thread(target=lambda: httpx.post(url, json=body, timeout=60))
        asking.start()
        rows(tab).first.click()
        expect(tab.locator(".answer")).to_contain_text("First words.")
        expect(tab.locator(".head")).to_contain_text("under way")
        go.set()
        expect(tab.locator(".answer")).to_contain_text("Last words.")
        expect(tab.locator(".head")).to_contain_text("succeeded")
        asking.join()
        tab.close()


def test_thousands_are_a_list_of_a_few_rows(tab, cleared, expect):
    for _ in range(1100):
        cleared.http.get("/v1beta/models/gemini-2.5-flash")
    expect(tab.locator("#shown")).to_have_text("1000")
    assert rows(tab).count() < 60
    tab.locator("#list").evaluate("list => { list.scrollTop = list.scrollHeight }")
    expect(rows(tab).last).to_have_attribute("aria-posinset", "1000")
    assert rows(tab).count() < 60
    cleared.http.delete("/__emulator__/requests")
    expect(rows(tab)).to_have_count(0)


def test_clearing_forgets_the_list(tab, cleared, expect):
    opened(tab, cleared, "Hello")
    tab.get_by_role("button", name="Clear").click()
    expect(rows(tab)).to_have_count(0)
    expect(tab.locator("#empty pre")).to_be_visible()
    assert cleared.http.get("/__emulator__/requests").json()["requests"] == []


def test_it_survives_a_restart_and_says_so(chromium, expect):
    first = GeminiEmulator(ScriptedBrain(["One."]), record_page=True).start()
    url = f"{first.url}/v1beta/models/gemini-2.5-flash:generateContent?key=k"
    body = {"contents": [{"parts": [{"text": "Hi"}]}]}
    httpx.post(url, json=body)
    tab = chromium.new_page()
    tab.goto(first.page_url)
    expect(rows(tab)).to_have_count(1)
    first.stop()
    expect(tab.locator("#connection")).to_have_text("Connection lost, trying again…")
    with GeminiEmulator(ScriptedBrain(["Two."] * 2), port=httpx.URL(url).port):
        expect(tab.locator("#connection")).to_have_text("Live")
        expect(tab.locator("#toast")).to_have_text("The emulator was restarted; the list begins anew.")
        httpx.post(url, json=body)
        httpx.post(url, json=body)
        expect(rows(tab)).to_have_count(2)
    tab.close()


# -- one request ---------------------------------------------------------------------------------------


def test_code_output_and_plot(tab, cleared, expect):
    detail = opened(tab, cleared, "Draw pi", model="gemini-3-flash-preview", stream=True, tools=CODE)
    assert detail.locator("pre.code").inner_text().split() == [
        "import",
        "math",
        "print(math.pi)",
        "#",
        "round",
    ]
    expect(detail.locator(".py-keyword")).to_have_text("import")
    expect(detail.locator(".py-comment")).to_have_text("# round")
    expect(detail.locator(".outcome.good")).to_have_text("ok")
    expect(detail.locator(".result pre")).to_have_text("3.14159\n")
    expect(detail.locator(".part-executableCode .mark")).to_have_text("id ab12")
    expect(detail.locator(".part-text .mark").last).to_have_text("signed")
    expect(detail.get_by_text("Thought", exact=True)).to_be_visible()
    picture = detail.get_by_role("img", name="plot 1")
    assert picture.evaluate(
        "image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])"
    ) == [
        40,
        20,
    ]
    detail.get_by_role("button", name="Enlarge plot 1").click()
    expect(tab.locator("#lightbox img")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tab.locator("#lightbox")).to_be_hidden()


def test_what_is_offered_tokens_and_time(tab, cleared, expect):
    detail = opened(
        tab,
        cleared,
        "Think",
        model="gemini-3-flash-preview",
        tools=[*CODE, PRICE],
        toolConfig={"includeServerSideToolInvocations": True},
    )
    offered = detail.get_by_role("region", name="Offered")
    expect(offered.get_by_role("listitem")).to_have_text(["code execution", "get_price"])
    expect(offered).to_contain_text("ScriptedBrain")
    counts = [int(text) for text in detail.locator(".sum dd").all_inner_texts()]
    assert counts[-1] == sum(counts[:-1]) > 0
    expect(detail.get_by_role("region", name="Time").get_by_role("listitem").first).to_contain_text("queue")


def test_a_failed_run_and_an_error(tab, cleared, expect):
    detail = opened(tab, cleared, "Please fail", tools=CODE)
    expect(detail.locator(".outcome.bad")).to_have_text("failed")
    expect(detail.locator(".result pre")).to_contain_text("ZeroDivisionError")
    detail = opened(tab, cleared, "Both", tools=[*CODE, PRICE])
    expect(detail.locator(".callout")).to_contain_text("400 INVALID_ARGUMENT")
    expect(detail.locator(".callout")).to_contain_text("unsupported")


def test_raw_json_unfolds(tab, cleared, expect):
    detail = opened(
        tab, cleared, "one two three four five six pi", stream=True, tools=[{"code_execution": {}}]
    )
    detail.get_by_text("Request", exact=True).click()
    expect(detail.locator(".json").filter(has_text="code_execution").first).to_be_visible()
    detail.get_by_text("Response, ").click()
    expect(detail.get_by_role("heading", name="Chunk 0")).to_be_visible()


def test_a_link_leads_to_a_request(tab, cleared, expect):
    cleared.ask("First")
    cleared.ask("Second")
    number = cleared.last()["number"] - 1
    tab.goto(f"{cleared.emulator.page_url}#/requests/{number}")
    expect(tab.locator("#detail")).to_contain_text("You said: First.")
    expect(tab.locator(f"#row-{number}")).to_have_attribute("aria-selected", "true")
    tab.goto(f"{cleared.emulator.page_url}#/requests/{number + 50}")
    expect(tab.locator("#detail")).to_contain_text(f"Request {number + 50} is not remembered any more")


def test_what_is_copied_can_be_pasted(tab, cleared, expect):
    detail = opened(tab, cleared, "It's $5, say pi", tools=CODE)
    number = cleared.last()["number"]

    def copied(label):
        detail.get_by_role("button", name=label, exact=True).click()
        expect(tab.locator("#toast")).to_have_text(f"{label.replace('Copy', 'Copied')}.")
        return tab.evaluate("navigator.clipboard.readText()")

    done = subprocess.run(["bash"], input=copied("Copy as curl"), capture_output=True, text=True, check=True)
    copy = json.loads(copied("Copy JSON"))
    assert json.loads(done.stdout)["candidates"] == copy["response"]["candidates"]
    assert copy["request"]["tools"] == CODE
    assert copied("Copy code") == "import math\nprint(math.pi)  # round\n"
    assert copied("Copy output") == "3.14159\n"
    link = copied("Copy link")
    with tab.expect_download() as download:
        detail.get_by_role("link", name="Download cassette").click()
    assert download.value.suggested_filename == f"request-{number}.yaml"
    tab.goto("about:blank")
    tab.goto(link)
    expect(detail).to_contain_text("It's $5, say pi")


def test_a_text_file_is_shown_when_it_is_asked_for(tab, cleared, expect):
    data = base64.b64encode(b"price,count\n1.50,3\n").decode()
    parts = [{"inlineData": {"mimeType": "text/csv", "data": data}}, {"text": "Sum it up"}]
    body = {"contents": [{"role": "user", "parts": parts}]}
    cleared.http.post("/v1beta/models/gemini-2.5-flash:generateContent", json=body)
    rows(tab).click()
    expect(tab.get_by_role("link", name="input_file_0.csv, text/csv, 19 bytes")).to_be_visible()
    tab.get_by_text("Show input_file_0.csv").click()
    expect(tab.get_by_role("region", name="input_file_0.csv")).to_have_text("price,count\n1.50,3\n")


# -- searching and filtering ---------------------------------------------------------------------------


def test_search_finds_text_code_output_model_and_status(tab, cleared, expect):
    cleared.ask("Hello")
    cleared.ask("Draw pi", model="gemini-3-flash-preview", tools=CODE)
    cleared.emulator.faults.add("quota")
    cleared.ask("Hello", model="gemini-3-flash-preview")
    expect(rows(tab)).to_have_count(3)
    tab.keyboard.press("j")
    for query, count in (("math.pi", 1), ("3.14159", 1), ("PI, DRAWN", 1), ("gemini-3-flash", 2), ("429", 1)):
        tab.keyboard.press("/")
        expect(tab.get_by_role("searchbox")).to_be_focused()
        tab.keyboard.type(query)
        expect(rows(tab)).to_have_count(count)
        tab.keyboard.press("Escape")
        expect(rows(tab)).to_have_count(3)
        tab.keyboard.press("Escape")
        expect(tab.locator("#list")).to_be_focused()


def test_what_is_found_is_marked(tab, cleared, expect):
    detail = opened(tab, cleared, "Draw pi", tools=CODE)
    tab.keyboard.press("/")
    tab.keyboard.type("let me see")
    expect(tab.locator("#hits")).to_have_text("1 here")
    expect(detail.get_by_text("Let me see.")).to_be_visible()  # a folded thought
    tab.get_by_role("searchbox").fill("draw")
    expect(tab.locator("#hits")).to_have_text("2 here")
    expect(rows(tab).locator("mark")).to_have_text("Draw")


def test_filters_narrow_the_list(tab, cleared, expect):
    cleared.ask("Hello")
    cleared.ask("Hello", tools=CODE)
    cleared.ask("Hello", model="gemini-2.5-pro", tools=[PRICE])
    cleared.ask("Hello", tools=[*CODE, PRICE])
    expect(rows(tab)).to_have_count(4)
    for label, option, count in (
        ("Status", "Failed", 1),
        ("Status", "Cut off", 0),
        ("Status", "Any status", 4),
        ("Offered", "Both", 1),
        ("Offered", "Code execution", 2),
        ("Offered", "No tools", 1),
        ("Offered", "Any tools", 4),
        ("Model", "gemini-2.5-pro", 1),
        ("Model", "Any model", 4),
    ):
        tab.get_by_role("combobox", name=label).select_option(label=option)
        expect(rows(tab)).to_have_count(count)


# -- the switch for faults -----------------------------------------------------------------------------


def test_a_fault_hits_the_next_request(tab, cleared, expect):
    tab.get_by_role("button", name="Faults").click()
    panel = tab.get_by_role("dialog", name="Faults")
    panel.get_by_label("Kind").select_option("quota")
    panel.get_by_label("Retry-After, seconds").fill("7")
    panel.get_by_role("button", name="Add").click()
    expect(panel.get_by_role("listitem")).to_contain_text(["quotaretry_after 7"])
    panel.get_by_role("button", name="Close").click()
    expect(tab.locator("#fault-count")).to_have_text("1")
    refused = cleared.ask("Hello")
    assert refused.status_code == 429
    assert refused.json()["error"]["details"][-1]["retryDelay"] == "7s"
    assert cleared.ask("Hello").status_code == 200
    expect(tab.locator("#fault-count")).to_be_hidden()
    rows(tab).last.click()
    expect(tab.get_by_role("region", name="Offered")).to_contain_text("quota retry_after=7")


def test_faults_are_removed_one_by_one_and_all_at_once(tab, cleared, expect):
    cleared.emulator.faults.add("quota", "latency:seconds=1,rate=0.5", "cut")
    tab.keyboard.press("f")
    panel = tab.get_by_role("dialog", name="Faults")
    panel.get_by_role("button", name="Remove quota").click()
    expect(panel.get_by_role("button", name="Remove latency")).to_be_visible()
    expect(panel.get_by_role("button", name="Remove quota")).to_be_hidden()
    assert [fault.kind for fault in cleared.emulator.faults.pending] == ["latency", "cut"]
    panel.get_by_role("button", name="Remove all").click()
    expect(panel).to_contain_text("Nothing goes wrong.")
    assert cleared.emulator.faults.pending == ()


def test_a_fault_that_went_meanwhile_is_told(tab, cleared, expect):
    cleared.emulator.faults.add("quota")
    tab.keyboard.press("f")
    panel = tab.get_by_role("dialog", name="Faults")
    remove = panel.get_by_role("button", name="Remove quota")
    expect(remove).to_be_visible()
    cleared.emulator.faults.clear()
    remove.click()
    expect(panel.get_by_role("alert")).to_contain_text("it may have hit already")


def test_every_kind_of_fault_has_its_meaning(tab, cleared):
    tab.keyboard.press("f")
    tab.wait_for_selector("select[name=kind] option", state="attached")
    kinds = tab.locator("select[name=kind] option").all_inner_texts()
    assert set(kinds) == set(cleared.http.get("/__emulator__/faults/kinds").json())
    for kind in kinds:
        tab.select_option("select[name=kind]", kind)
        assert tab.locator("#fault-meaning").inner_text()


# -- keys ----------------------------------------------------------------------------------------------


def test_everything_by_keyboard(tab, cleared, expect):
    for word in ("one", "two", "three"):
        cleared.ask(word)
    expect(rows(tab)).to_have_count(3)
    chosen = tab.locator("[role=option][aria-selected=true]")
    for key, word in (
        ("j", "three"),
        ("j", "two"),
        ("ArrowDown", "one"),
        ("j", "one"),
        ("k", "two"),
        ("ArrowUp", "three"),
    ):
        tab.keyboard.press(key)
        expect(chosen).to_contain_text(word)
        expect(tab.locator("#detail")).to_contain_text(f"You said: {word}.")
    tab.locator("#list").focus()
    expect(tab.locator("#list")).to_have_attribute("aria-activedescendant", chosen.get_attribute("id"))
    tab.keyboard.press("Enter")
    expect(tab.locator("#detail")).to_be_focused()
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("button", name="Copy as curl")).to_be_focused()
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    tab.keyboard.press("Escape")
    expect(tab.locator("#list")).to_be_focused()
    tab.keyboard.press("?")
    expect(tab.get_by_role("dialog", name="Keyboard")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("dialog")).to_have_count(0)


def test_letters_are_letters_in_a_field(tab, cleared, expect):
    tab.get_by_role("searchbox").fill("")
    tab.get_by_role("searchbox").press_sequentially("jk?/f")
    expect(tab.get_by_role("searchbox")).to_have_value("jk?/f")
    expect(tab.get_by_role("dialog")).to_have_count(0)
