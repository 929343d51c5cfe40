// All there is to see of one request.

import { el, fill } from "./dom.js";
import { address, ask } from "./connection.js";
import { conversation } from "./conversation.js";
import { copyButton } from "./copying.js";
import { offerCard, timeCard, tokenCard } from "./facts.js";
import { bytes, count, date, duration, endpointName, plural, verdict } from "./format.js";
import { jsonTree } from "./json_tree.js";
import { visible } from "./code.js";

/**
 * Show a request.
 * @param {HTMLElement} article Where.
 * @param {Object} detail What the emulator tells of it.
 * @param {() => void} back Goes back to the list.
 */
export function showDetail(article, detail, back) {
  const context = contextOf(detail);
  fill(
    article,
    head(detail, back),
    problems(detail, context),
    el("div", { class: "cards" }, offerCard(detail), tokenCard(detail), timeCard(detail)),
    section("Conversation", conversation(detail, context)),
    declarations(detail, context),
    raw(detail, context),
  );
}

/** Show that there is nothing to show. */
export function showNothing(article, text, back) {
  fill(article, el("div", { class: "nothing-chosen" }, backButton(back), el("p", {}, text)));
}

function backButton(back) {
  return el("button", { type: "button", class: "back", onclick: back }, "← Requests");
}

function contextOf({ number, cuts }) {
  const blob = (pointer) => address(number, `/blob?at=${encodeURIComponent(pointer)}`);
  return {
    blob,
    size: (pointer) => cuts[pointer]?.bytes ?? 0,
    cut(pointer) {
      const found = cuts[pointer];
      if (!found) return null;
      const all = found.mimeType
        ? `${found.mimeType}, ${bytes(found.bytes)}`
        : `Cut here. All ${count(found.length)} characters`;
      return el("a", { class: "cut", href: blob(pointer), target: "_blank", rel: "noopener" }, all);
    },
  };
}

function section(title, ...children) {
  return el("section", { class: "part-of", "aria-label": title }, el("h3", {}, title), children);
}

function head(detail, back) {
  const { number, path, method, model, status, endpoint, time, httpMethod } = detail;
  const { tone, phrase } = verdict(detail);
  const text = (view) => async () => (await ask(`/requests/${number}${view}`)).text();
  return el(
    "header",
    { class: "head" },
    backButton(back),
    el("h2", { id: "detail-heading" }, el("span", { class: "muted" }, `#${number} `), visible(model || path)),
    el(
      "p",
      { class: "line-of-facts" },
      el("span", { class: `status ${tone}` }, `${status || "no answer"} ${phrase}`),
      el("span", {}, method),
      el("span", {}, endpointName(endpoint)),
      el("time", { datetime: time }, date(time)),
      el("span", {}, duration(detail.duration)),
    ),
    el("p", { class: "path" }, el("code", {}, `${httpMethod} `, visible(path), query(detail))),
    el(
      "div",
      { class: "actions", role: "group", "aria-label": "Copy" },
      copyButton("Copy as curl", text("/curl")),
      copyButton("Copy JSON", text("/json")),
      copyButton("Copy link", () => location.href),
      el(
        "a",
        { class: "button", href: address(number, "/cassette"), download: `request-${number}.yaml` },
        "Download cassette",
      ),
    ),
  );
}

function query({ query: pairs }) {
  const written = new URLSearchParams(pairs).toString();
  return written && `?${written}`;
}

function problems({ error, state, faultsHit, dropped, requestText }, { cut }) {
  const { code, status, message, details } = error ?? {};
  const cutOff = faultsHit.some(({ kind }) => kind === "cut")
    ? "A fault cut the connection."
    : "The answer did not come to its end: the client went away, or the emulator stopped.";
  return [
    error &&
      el(
        "section",
        { class: "callout", "aria-label": "Error" },
        el("h3", {}, `${code ?? ""} ${status ?? "Error"}`),
        el("p", { class: "prose", dir: "auto" }, visible(String(message ?? ""))),
        details && jsonTree(details, cut, "/error/details", 3),
      ),
    state === "cut" && el("p", { class: "callout" }, cutOff),
    typeof requestText === "string" &&
      el(
        "section",
        { class: "callout", "aria-label": "Request that is no JSON" },
        el("h3", {}, "The request is no JSON"),
        el("pre", { class: "output" }, visible(requestText)),
        cut("/requestText"),
      ),
    dropped > 0 && el("p", { class: "callout" }, `${bytes(dropped)} were too many to keep.`),
  ];
}

function declarations({ parsed, request }, { cut }) {
  const source = parsed ? "parsed" : "request";
  const tools = (parsed ?? request)?.tools;
  const settings = Object.entries(parsed ?? request ?? {}).filter(
    ([name]) => !["contents", "tools", "systemInstruction"].includes(name),
  );
  const folded = (title, value, pointer) =>
    el("details", { class: "folded" }, el("summary", {}, title), jsonTree(value, cut, pointer, 3));
  return [
    Array.isArray(tools) && tools.length > 0 && folded("Tools", tools, `/${source}/tools`),
    !Array.isArray(request) &&
      settings.length > 0 &&
      folded("Settings", Object.fromEntries(settings), `/${source}`),
  ];
}

function raw({ number, request, chunks, method }, { cut }) {
  const link = (view, text) =>
    el("a", { href: address(number, view), target: "_blank", rel: "noopener" }, text);
  const streamed = method === "streamGenerateContent";
  return section(
    "Raw JSON",
    request !== null &&
      el(
        "details",
        { class: "folded" },
        el("summary", {}, "Request"),
        link("/request", "As it came"),
        jsonTree(request, cut, "/request", 3),
      ),
    chunks.length > 0 &&
      el(
        "details",
        { class: "folded" },
        el("summary", {}, streamed ? `Response, ${plural(chunks.length, "chunk")}` : "Response"),
        link("/response", "As it was sent"),
        chunks
          .slice(0, 500)
          .map((chunk, index) =>
            el(
              "div",
              { class: "chunk" },
              streamed &&
                el(
                  "h4",
                  {},
                  `Chunk ${index} `,
                  el("span", { class: "muted" }, `after ${duration(chunk.at)}`),
                ),
              "text" in chunk
                ? [el("pre", { class: "output" }, visible(chunk.text)), cut(`/chunks/${index}/text`)]
                : jsonTree(chunk.body, cut, `/chunks/${index}/body`, streamed ? 1 : 3),
            ),
          ),
      ),
  );
}
