// Code, output and prose as elements, with nothing in them that could pass unseen.

import { el } from "./dom.js";
import { tokens } from "./python.js";

// Control characters, those that reorder text, zero-width ones, and halves of surrogate pairs.
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udfff]/gu;

/** A text whose invisible characters are shown by their code points. */
export function visible(text) {
  const pieces = [];
  let end = 0;
  for (const { 0: found, index } of text.matchAll(UNSEEN)) {
    const name = `U+${found.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
    pieces.push(
      text.slice(end, index),
      el("span", { class: "unseen-sign", title: "an invisible character" }, name),
    );
    end = index + found.length;
  }
  return end ? [...pieces, text.slice(end)] : [text];
}

/** Python with its tokens coloured and its lines numbered. */
export function pythonCode(source) {
  const lines = [[]];
  for (const { kind, text } of tokens(source)) {
    const pieces = text.split("\n");
    pieces.forEach((piece, index) => {
      const last = index === pieces.length - 1;
      const shown = visible(piece);
      if (piece)
        lines
          .at(-1)
          .push(kind === "space" || kind === "name" ? shown : el("span", { class: `py-${kind}` }, shown));
      if (last) return;
      lines.at(-1).push("\n");
      lines.push([]);
    });
  }
  if (lines.length > 1 && !lines.at(-1).length) lines.pop();
  const numbered = lines.map((line) => el("span", { class: "line" }, line));
  return el(
    "pre",
    { class: "code", tabindex: 0, role: "region", "aria-label": "Python code", dir: "ltr" },
    el("code", {}, numbered),
  );
}

/** What a program printed. */
export function output(text, label = "Output") {
  return el(
    "pre",
    { class: "output", tabindex: 0, role: "region", "aria-label": label, dir: "auto" },
    visible(text),
  );
}

/** What somebody says; blank lines at the end are not shown. */
export function prose(text) {
  return el("p", { class: "prose", dir: "auto" }, visible(text.trimEnd()));
}
