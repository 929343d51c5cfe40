"""The page for everybody: colours, sizes, names of what there is, and content that means harm."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

CODE = [{"codeExecution": {}}]
WORST = [
    {"text": "<script>alert(1)</script><img src=x onerror=alert(2)> {{7*7}} javascript:alert(3)"},
    {
        "executableCode": {
            "language": "PYTHON",
            "code": "x = '</pre><script>alert(4)</script>'  # \u202e evil \u2066\n" * 3,
        }
    },
    {
        "codeExecutionResult": {
            "outcome": "OUTCOME_OK",
            "output": "<b>bold</b>\x1b[31m" + "0123456789abcdef" * 262_144,
        }
    },
    {
        "inlineData": {
            "mimeType": "image/svg+xml",
            "data": "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIG9ubG9hZD0iYWxlcnQoNSkiLz4=",
        }
    },
    {"inlineData": {"mimeType": 'text/html"><script>', "data": "PHNjcmlwdD5hbGVydCg2KTwvc2NyaXB0Pg=="}},
    {
        "functionCall": {
            "name": "<i>f</i>",
            "args": {"__proto__": {"a": 1}, "<u>": ["\u2028", None, True, 1e300]},
        }
    },
    {"text": "مرحبا بالعالم שלום " + "unbroken" * 5000},
    {"text": "half \ud83d a pair", "thought": True},
]
CONTRASTS = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    const [a, b] = [luminance(rgba(getComputedStyle(element).color)), luminance(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push([ratio, element.className || element.localName, element.textContent.slice(0, 30)]);
  }
  return found;
}"""


@pytest.fixture
def expect():
    return pytest.importorskip("playwright.sync_api").expect


@pytest.fixture
def page(tab, cleared):
    """Some requests, the one with a plot open."""
    cleared.emulator.faults.add("quota")
    cleared.ask("Too much")
    cleared.ask("Draw pi", model="gemini-3-flash-preview", stream=True, tools=CODE)
    cleared.emulator.faults.add("latency:seconds=1,rate=0")
    number = cleared.last()["number"]
    tab.evaluate(f"location.hash = '#/requests/{number}'")
    tab.wait_for_selector("#detail .answer img")
    yield tab
    tab.set_viewport_size({"width": 1280, "height": 800})
    tab.emulate_media(color_scheme="light")


# -- looks ---------------------------------------------------------------------------------------------


def test_every_text_is_well_readable(page):
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.querySelector('.row')).transitionDuration") == "0s"
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.get_by_role("button", name="Faults").click()
        contrasts = page.evaluate(CONTRASTS)
        page.keyboard.press("Escape")
        page.keyboard.press("j")
        page.wait_for_selector(".callout")
        contrasts += page.evaluate(CONTRASTS)
        page.keyboard.press("k")
        page.wait_for_selector(".answer img")
        assert len(contrasts) > 100
        assert [found for found in contrasts if found[0] < 4.5] == []


def test_the_theme_can_be_chosen_and_is_remembered(page, expect):
    def ground():
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    page.emulate_media(color_scheme="light")
    light = ground()
    button = page.get_by_role("button", name="Theme")
    button.click()
    expect(button).to_have_text("Theme: light")
    button.click()
    dark = ground()
    assert dark != light
    page.reload()
    expect(button).to_have_text("Theme: dark")
    assert ground() == dark
    button.click()
    assert ground() == light


def test_nothing_is_wider_than_the_window(page, expect):
    for width, height in ((1024, 700), (640, 400), (360, 640)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name, dialog in (("Faults", "#faults"), ("Keyboard shortcuts", "#help")):
        page.get_by_role("button", name=name).click()
        assert page.evaluate(f"(d => d.scrollWidth - d.clientWidth)(document.querySelector('{dialog}'))") == 0
        page.keyboard.press("Escape")
    expect(page.locator(".requests")).to_be_hidden()
    page.get_by_role("button", name="← Requests").click()
    expect(page.locator("#detail")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("option", name="Draw pi").click()
    expect(page.locator("#detail")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#list")).to_be_focused()


# -- names and roles -----------------------------------------------------------------------------------


def test_landmarks_headings_and_names(page, expect):
    for role, name in (
        ("banner", None),
        ("main", None),
        ("search", None),
        ("searchbox", "Search all requests"),
        ("toolbar", "Tools"),
        ("listbox", "Requests"),
        ("article", "The chosen request"),
        ("region", "Conversation"),
        ("region", "Raw JSON"),
        ("group", "Copy"),
        ("button", "Keyboard shortcuts"),
        ("link", "Download cassette"),
    ):
        expect(page.get_by_role(role, **({"name": name} if name else {})).first).to_be_visible()
    levels = page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4')].filter(h => h.checkVisibility()).map(h => +h.localName[1])"
    )
    assert levels[0] == 1
    assert all(level <= before + 1 for before, level in pairwise(levels))
    unnamed = page.evaluate(
        "[...document.querySelectorAll('button, a, input, select, img')]"
        ".filter(e => e.checkVisibility() && !(e.ariaLabel || e.textContent.trim() || e.alt || e.labels?.length)).length"
    )
    assert unnamed == 0
    assert page.evaluate(
        "new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size"
    ) == page.evaluate("document.querySelectorAll('[id]').length")


def test_the_list_says_how_long_it_is_and_where_one_is(page, expect):
    row = page.get_by_role("listbox", name="Requests").get_by_role("option", selected=True)
    expect(row).to_have_attribute("aria-setsize", "2")
    expect(row).to_have_attribute("aria-posinset", "1")
    name = r"^Request \d+, succeeded: 200 gemini-3-flash-preview Developer .* stream Draw pi code execution offered"
    expect(row).to_have_accessible_name(re.compile(name))


def test_tab_reaches_every_control(page):
    page.locator("#list").focus()
    page.evaluate("document.activeElement.blur()")
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "document.activeElement.id || document.activeElement.textContent.trim().slice(0, 20)"
            )
        )
    wanted = {
        "query",
        "open-faults",
        "clear",
        "theme",
        "open-help",
        "filter-status",
        "list",
        "Copy as curl",
        "Copy code",
    }
    assert wanted <= set(reached)


# -- content that means harm ---------------------------------------------------------------------------


def test_hostile_content_is_text(tab, cleared, expect, monkeypatch):
    monkeypatch.setitem(cleared.answers, "worst", WORST)
    tab.on("dialog", lambda dialog: tab.complaints.append("a dialog opened"))
    cleared.ask(
        "<img src=x onerror=alert(0)>\u202e worst",
        tools=CODE,
        systemInstruction={"parts": [{"text": "<h1>"}]},
    )
    tab.get_by_role("listbox", name="Requests").get_by_role("option").click()
    detail = tab.locator("#detail")
    expect(detail).to_contain_text("<script>alert(1)</script>")
    expect(detail.locator("pre.code")).to_contain_text("</pre><script>alert(4)</script>")
    expect(detail.locator("pre.code .unseen-sign").first).to_have_text("U+202E")
    expect(detail.locator(".result pre .unseen-sign").first).to_have_text("U+001B")
    expect(detail).to_contain_text("U+D83D")
    expect(detail).to_contain_text("<i>f</i>")
    expect(detail.get_by_text("Cut here. All 4,194,3")).to_be_visible()
    assert len(detail.locator(".result pre").inner_text()) < 21_000
    for name in ("Request", "Response"):
        detail.locator("summary", has_text=name).first.click()
    assert tab.evaluate("document.querySelectorAll('script').length") == 1
    assert detail.locator("b, i, u, h1, script").count() == 0
    assert tab.evaluate("document.documentElement.scrollWidth") <= 1280
    assert tab.evaluate("({}).a") is None
    tab.keyboard.press("/")
    tab.keyboard.type("unbroken")
    expect(tab.locator("#hits")).to_have_text("2000 here")
    expect(tab.get_by_role("listbox", name="Requests").get_by_role("option")).to_have_count(1)


# -- Python as tokens ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def opened(window, asking):
    window.goto(asking.emulator.page_url)
    return window


TOKENS = "sources => import('/__emulator__/static/python.js').then(({tokens}) => sources.map(tokens))"

STRANGE = [
    "",
    "\n\n",
    "'''never ends",
    '"never ends\nx = 1',
    "f'{a!r:>{width}}' rb'\\'' 0x_ff 1_000.5e-3j .5 1.. ... 0b2",
    "@decorator\ndef naïve(self): return self @ other",
    "match = 1\nmatch x:\n    case [1, *_]: pass\ntype X = int\ntype(x)",
    "print(default_api.f(x=1)) $ ? ` 🙂 \x00 \ud800",
    "\\\n\r\n\t\x0c'\\",
    "x = '" + "\\'" * 9000,
]


def test_tokens_add_up_to_the_source_whatever_it_is(opened):
    for source, tokens in zip(STRANGE, opened.evaluate(TOKENS, STRANGE), strict=True):
        assert "".join(token["text"] for token in tokens) == source
        assert all(token["text"] for token in tokens)


@pytest.mark.parametrize(
    ("source", "kinds"),
    [
        ("def f(): pass", "keyword definition operator operator operator keyword"),
        ("@a.b\nclass C: x", "decorator decorator operator name keyword definition operator name"),
        ("a @ b", "name operator name"),
        ("match = type(x).match", "name operator builtin operator name operator operator name"),
        ("match x:\n case 1: y", "keyword name operator keyword number operator name"),
        ("self.print(None)", "constant operator name operator constant operator"),
        ("x = rB'a' u'b' b''", "name operator string string string"),
        ("1_0.5e-3j+0xFf", "number operator number"),
    ],
)
def test_kinds_of_tokens(opened, source, kinds):
    (tokens,) = opened.evaluate(TOKENS, [source])
    assert " ".join(token["kind"] for token in tokens if token["kind"] != "space") == kinds
