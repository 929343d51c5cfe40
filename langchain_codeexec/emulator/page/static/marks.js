// Showing where a search hit.

import { el } from "./dom.js";

const MOST = 2000;

function places(text, query) {
  const found = [];
  const lower = text.toLowerCase();
  const wanted = query.toLowerCase();
  if (!wanted || lower.length !== text.length) return found;
  for (
    let at = lower.indexOf(wanted);
    at >= 0 && found.length < MOST;
    at = lower.indexOf(wanted, at + wanted.length)
  ) {
    found.push([at, at + wanted.length]);
  }
  return found;
}

/** A text with marks around what is searched for. */
export function marked(text, query) {
  const pieces = [];
  let end = 0;
  for (const [from, to] of places(text, query)) {
    pieces.push(text.slice(end, from), el("mark", {}, text.slice(from, to)));
    end = to;
  }
  return [...pieces, text.slice(end)];
}

/**
 * Mark every place below an element without changing it, and open what is folded around one.
 * @returns {number} How many places there are.
 */
export function highlight(root, query) {
  if (!CSS.highlights) return 0;
  CSS.highlights.delete("search");
  const ranges = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode() && ranges.length < MOST) {
    for (const [from, to] of places(walker.currentNode.data, query)) {
      const range = new Range();
      range.setStart(walker.currentNode, from);
      range.setEnd(walker.currentNode, to);
      ranges.push(range);
    }
  }
  if (ranges.length) CSS.highlights.set("search", new Highlight(...ranges));
  for (const range of ranges) unfold(range.startContainer.parentElement, root);
  return ranges.length;
}

function unfold(element, root) {
  for (let at = element; at && at !== root; at = at.parentElement) {
    if (at.localName === "details") at.open = true;
  }
}
