// JSON as a tree to unfold. Branches are made when they are opened.

import { el } from "./dom.js";
import { visible } from "./code.js";
import { plural } from "./format.js";

const MOST = 500;
const INLINE = 60;

/**
 * Show a JSON value.
 * @param {*} value
 * @param {(pointer: string) => Node|null} cut Gives the note for a text that was cut, by its JSON pointer.
 * @param {string} pointer Where the value stands.
 * @param {number} unfolded How many levels are open at first.
 */
export function jsonTree(value, cut, pointer = "", unfolded = 2) {
  return el("div", { class: "json", dir: "ltr" }, node("", value, cut, pointer, unfolded));
}

function node(name, value, cut, pointer, unfolded) {
  const label = name === "" ? null : el("span", { class: "json-name" }, visible(name), ": ");
  if (value === null || typeof value !== "object") {
    return el("div", { class: "json-leaf" }, label, leaf(value), cut(pointer));
  }
  const entries = Array.isArray(value)
    ? value.map((item, index) => [String(index), item])
    : Object.entries(value);
  const brief = JSON.stringify(value);
  if (
    !entries.length ||
    (brief.length <= INLINE && entries.every(([, item]) => item === null || typeof item !== "object"))
  ) {
    if (!entries.some(([key]) => cut(below(pointer, key)))) {
      return el("div", { class: "json-leaf" }, label, el("span", { class: "json-brief" }, visible(brief)));
    }
  }
  return branch(label, value, entries, cut, pointer, unfolded);
}

function branch(label, value, entries, cut, pointer, unfolded) {
  const size = Array.isArray(value)
    ? `[${plural(entries.length, "item")}]`
    : `{${plural(entries.length, "field")}}`;
  const inside = el("div", { class: "json-inside" });
  const details = el(
    "details",
    { class: "json-branch" },
    el("summary", {}, label, el("span", { class: "json-size" }, size)),
    inside,
  );
  const unfold = () => {
    if (!details.open || inside.childElementCount) return;
    const nodes = entries
      .slice(0, MOST)
      .map(([key, item]) => node(key, item, cut, below(pointer, key), unfolded - 1));
    inside.append(
      ...nodes,
      entries.length > MOST ? el("div", {}, `… and ${entries.length - MOST} more`) : "",
    );
  };
  details.addEventListener("toggle", unfold);
  if (unfolded > 0) {
    details.open = true;
    unfold();
  }
  return details;
}

function leaf(value) {
  const kind = value === null ? "null" : typeof value;
  return el("span", { class: `json-${kind}` }, visible(JSON.stringify(value)));
}

const below = (pointer, key) => `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
