// What is to be known of a request besides its conversation: what it offers, its tokens, its time.

import { el, svg } from "./dom.js";
import { bytes, count, duration } from "./format.js";
import { visible } from "./code.js";

const SIDES = [
  ["promptTokenCount", "prompt"],
  ["candidatesTokenCount", "candidates"],
  ["toolUsePromptTokenCount", "tool use"],
  ["thoughtsTokenCount", "thoughts"],
];

function card(title, ...children) {
  return el("section", { class: "card", "aria-label": title }, el("h3", {}, title), children);
}

/** What the request offered, and who answered. */
export function offerCard(detail) {
  const { brain, notes, codeExecution, functions, otherTools, faultsHit } = detail;
  const offered = [...(codeExecution ? ["code execution"] : []), ...functions, ...otherTools];
  return card(
    "Offered",
    offered.length > 0 &&
      el(
        "ul",
        { class: "chips", "aria-label": "Tools" },
        offered.map((name) => el("li", {}, visible(name))),
      ),
    el("dl", { class: "pairs" }, [
      pair("Answered by", visible(brain || (faultsHit.length > 0 ? "the fault" : "the emulator itself"))),
      notes.map((note) => pair("Because of", visible(note))),
      faultsHit.length > 0 && pair("Faults", visible(faultsHit.map(faultText).join(", "))),
    ]),
  );
}

const faultText = ({ kind, ...settings }) =>
  [kind, ...Object.entries(settings).map(([name, value]) => `${name}=${value}`)].join(" ");

const pair = (name, value) => [el("dt", {}, name), el("dd", {}, value)];

/** The arithmetic of the tokens. */
export function tokenCard({ usage, tokens }) {
  const sides = SIDES.filter(([key]) => Number.isFinite(usage?.[key])).map(([key, name]) => ({
    name,
    key,
    value: usage[key],
  }));
  if (!sides.length) return tokens === null ? null : card("Tokens", el("p", { class: "big" }, count(tokens)));
  const sum = sides.reduce((total, { value }) => total + value, 0);
  const total = usage.totalTokenCount;
  return card(
    "Tokens",
    el("p", { class: "big" }, count(total ?? sum)),
    stackedBar(sides, sum),
    el("dl", { class: "sum" }, [
      sides.map(({ name, key, value }) => [
        el("dt", {}, el("span", { class: `swatch ${key}` }), name),
        el("dd", {}, count(value)),
      ]),
      [el("dt", { class: "total" }, "total"), el("dd", { class: "total" }, count(total ?? sum))],
    ]),
    total !== undefined &&
      total !== sum &&
      el("p", { class: "problem" }, `The parts add up to ${count(sum)}.`),
  );
}

function stackedBar(sides, sum) {
  let x = 0;
  const bars = sides.map(({ key, value }) => {
    const width = sum ? (100 * value) / sum : 0;
    const bar = svg("rect", { class: key, x: `${x}%`, y: 0, width: `${width}%`, height: 8 });
    x += width;
    return bar;
  });
  return svg("svg", { class: "stack", height: 8, width: "100%", "aria-hidden": "true" }, bars);
}

/** When what happened. */
export function timeCard({ timing, chunks, duration: total, method }) {
  const { read, brain, first, runs } = timing;
  const end = total ?? Math.max(first ?? 0, ...chunks.map(({ at }) => at), 1);
  const rows = [
    ["queue", 0, brain ?? read, "until the brain got it, or the request was read"],
    first !== null && ["first byte", brain ?? read, first, "until the answer began"],
    first !== null && method === "streamGenerateContent" && ["chunks", first, end, `${chunks.length} chunks`],
    ...runs.map((run, index) => [`run ${index + 1}`, run.at, run.at + run.seconds, ran(run)]),
  ].filter(Boolean);
  return card(
    "Time",
    el("p", { class: "big" }, duration(total)),
    el(
      "ol",
      { class: "waterfall" },
      rows.map(([name, from, to, why]) =>
        el(
          "li",
          { title: why },
          el("span", {}, name),
          lane(name, from, to, end, chunks),
          el("span", { class: "figure" }, duration(to - from)),
        ),
      ),
    ),
  );
}

function lane(name, from, to, end, chunks) {
  const percent = (ms) => (100 * ms) / end;
  return svg(
    "svg",
    { class: "lane", height: 10, width: "100%", "aria-hidden": "true" },
    svg("rect", {
      class: name.split(" ")[0],
      x: `${percent(from)}%`,
      y: 2,
      width: `${Math.max(percent(to - from), 0.6)}%`,
      height: 6,
      rx: 2,
    }),
    name === "chunks" &&
      chunks
        .slice(0, 200)
        .map(({ at }) => svg("line", { x1: `${percent(at)}%`, x2: `${percent(at)}%`, y1: 0, y2: 10 })),
  );
}

function ran({ outcome, cpu_time: cpu, peak_memory: memory }) {
  return [outcome, cpu && `${cpu.toFixed(2)} s of processor`, memory && `${bytes(memory)} of memory`]
    .filter(Boolean)
    .join(", ");
}
