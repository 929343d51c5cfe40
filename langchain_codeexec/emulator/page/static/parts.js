// Parts of a conversation, one way to show each kind.

import { el } from "./dom.js";
import { output, prose, pythonCode, visible } from "./code.js";
import { copyButton } from "./copying.js";
import { bytes } from "./format.js";
import { jsonTree } from "./json_tree.js";
import { enlarge } from "./lightbox.js";

const PICTURE = /^image\/(?:png|jpeg|gif|webp|avif|svg\+xml)$/;
const PREVIEW = 20_000;
const OUTCOMES = {
  OUTCOME_OK: ["ok", "good"],
  OUTCOME_FAILED: ["failed", "bad"],
  OUTCOME_DEADLINE_EXCEEDED: ["out of time", "bad"],
};

/** Everything there is in a list, whatever was sent in its place. */
export const listed = (value) => (Array.isArray(value) ? value : []);
export const fields = (value) =>
  value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
const textOf = (value) =>
  typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value);

/**
 * Show a part.
 * @param {Object} part
 * @param {string} pointer Where it stands in the document.
 * @param {Object} context `cut(pointer)`: the note for a cut text; `blob(pointer)`: the address of a blob;
 *   `file()`: the name of the next file.
 */
export function partElement(part, pointer, context) {
  const known = fields(part);
  const kind = Object.keys(KINDS).find((key) => key in known);
  const body = kind ? KINDS[kind](known, pointer, context) : jsonTree(part, context.cut, pointer);
  return el("div", { class: `part part-${kind ?? "other"}` }, body, marks(known));
}

/** What a part carries for the model's own use. */
function marks(part) {
  const ids = ["functionCall", "functionResponse", "executableCode"]
    .map((key) => fields(part[key]).id)
    .filter(Boolean);
  const signature = part.thoughtSignature;
  return el(
    "p",
    { class: "marks" },
    ids.map((id) => el("span", { class: "mark", title: "id" }, "id ", visible(textOf(id)))),
    signature && el("span", { class: "mark", title: textOf(signature) }, "signed"),
  );
}

function text(part, pointer, { cut }) {
  const words = textOf(part.text);
  const note = cut(`${pointer}/text`);
  if (part.thought) {
    return el("details", { class: "thought" }, el("summary", {}, "Thought"), prose(words), note);
  }
  return words.trim()
    ? [prose(words), note]
    : el("p", { class: "muted" }, words ? "(white space)" : "(an empty text)");
}

function executableCode(part, pointer, { cut }) {
  const source = textOf(fields(part.executableCode).code);
  const language = textOf(fields(part.executableCode).language) || "PYTHON";
  return el(
    "figure",
    { class: "block" },
    el(
      "figcaption",
      {},
      el("span", {}, `Code · ${language === "PYTHON" ? "Python" : language}`),
      copyButton("Copy code", () => source),
    ),
    pythonCode(source),
    cut(`${pointer}/executableCode/code`),
  );
}

function codeExecutionResult(part, pointer, { cut }) {
  const result = fields(part.codeExecutionResult);
  const [word, tone] = OUTCOMES[result.outcome] ?? [textOf(result.outcome) || "no outcome", "busy"];
  const printed = textOf(result.output);
  return el(
    "figure",
    { class: "block result" },
    el(
      "figcaption",
      {},
      el("span", {}, "Output · ", el("span", { class: `outcome ${tone}` }, word)),
      copyButton("Copy output", () => printed),
    ),
    printed ? output(printed) : el("p", { class: "muted nothing" }, "It printed nothing."),
    cut(`${pointer}/codeExecutionResult/output`),
  );
}

function inlineData(part, pointer, { blob, size, file }) {
  const mimeType = textOf(fields(part.inlineData).mimeType);
  const at = `${pointer}/inlineData/data`;
  const url = blob(at);
  const name = file(mimeType);
  const about = `${name}, ${mimeType || "no type"}, ${bytes(size(at))}`;
  if (!PICTURE.test(mimeType)) {
    const link = el("p", { class: "file" }, el("a", { href: url, download: name }, about));
    return mimeType.startsWith("text/") ? [link, textFile(url, name)] : link;
  }
  const picture = el("img", { src: url, alt: name, loading: "lazy" });
  return el(
    "figure",
    { class: "plot" },
    el(
      "button",
      { type: "button", "aria-label": `Enlarge ${name}`, onclick: () => enlarge(url, name) },
      picture,
    ),
    el("figcaption", { class: "muted" }, about),
  );
}

/** The beginning of a file, once it is asked for. */
function textFile(url, name) {
  const inside = el("div", {});
  const details = el("details", { class: "preview" }, el("summary", {}, `Show ${name}`), inside);
  details.addEventListener("toggle", async () => {
    if (!details.open || inside.childElementCount) return;
    const response = await fetch(url).catch(() => null);
    inside.append(
      output(response?.ok ? (await response.text()).slice(0, PREVIEW) : "It cannot be had any more.", name),
    );
  });
  return details;
}

function fileData(part) {
  const { fileUri, mimeType } = fields(part.fileData);
  return el(
    "p",
    { class: "file" },
    "File ",
    el("code", {}, visible(textOf(fileUri))),
    " ",
    el("span", { class: "muted" }, textOf(mimeType)),
  );
}

function called(word, key, inside) {
  return (part, pointer, { cut }) => {
    const value = fields(part[key]);
    const name = textOf(value.name ?? value.toolType) || "(no name)";
    return el(
      "div",
      { class: "call" },
      el("p", { class: "call-name" }, `${word} `, el("code", {}, visible(name))),
      jsonTree(value[inside] ?? {}, cut, `${pointer}/${key}/${inside}`, 3),
    );
  };
}

const KINDS = {
  text,
  executableCode,
  codeExecutionResult,
  inlineData,
  fileData,
  functionCall: called("Calls", "functionCall", "args"),
  functionResponse: called("Answer of", "functionResponse", "response"),
  toolCall: called("Calls the tool", "toolCall", "args"),
  toolResponse: called("Answer of the tool", "toolResponse", "response"),
};
