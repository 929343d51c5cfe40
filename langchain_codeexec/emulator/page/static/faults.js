// The switch for faults: what goes wrong on purpose, and a form to have more of it.

import { byId, el, fill } from "./dom.js";
import { ask } from "./connection.js";

const MEANINGS = {
  none: "Nothing: the request is answered as ever, to let one pass in the queue.",
  status: "An error status instead of an answer.",
  quota: "429: the quota is used up.",
  permission: "403: a permission is missing.",
  latency: "The answer begins late, or a chunk of a stream comes late.",
  cut: "The connection closes, with no answer or in the middle of it.",
  truncated: "The answer ends well in the middle of a chunk.",
  unfinished: "A stream ends well, without a finish reason.",
  garbled: "A chunk is no JSON.",
  duplicate: "A chunk of a stream comes twice.",
  error: "A stream of status 200 ends with an error.",
  empty: "One candidate without content.",
  no_candidates: "No candidate at all.",
  malformed_call: "A candidate that ended with MALFORMED_FUNCTION_CALL.",
  continuation: "The answer ends early, with a token that gets the rest.",
  checkpoint: "A stream is cut behind a chunk with such a token.",
  done: "A stream ends with the event [DONE].",
};
const FIELDS = {
  status_code: { label: "Status", type: "number", min: 400, max: 599, value: 503 },
  message: { label: "Message", type: "text", placeholder: "the service's words" },
  retry_after: { label: "Retry-After, seconds", type: "number", min: 0, step: "any" },
  seconds: { label: "Seconds", type: "number", min: 0, step: "any", value: 2 },
  after: { label: "After chunks", type: "number", min: 0, value: 0 },
};

/**
 * Make the panel.
 * @param {Store} store Says which faults there are.
 * @returns {() => void} Opens it.
 */
export function faultPanel(store) {
  const dialog = byId("faults");
  const problem = el("p", { class: "problem", role: "alert" });
  const pending = el("ul", { class: "faults", "aria-label": "Faults to come" });
  const options = el("div", { class: "options" });
  const kind = el("select", { name: "kind", onchange: () => chosen() });
  const meaning = el("p", { class: "muted", id: "fault-meaning" });
  const rate = el("input", {
    name: "rate",
    type: "number",
    min: 0,
    max: 1,
    step: "any",
    placeholder: "once",
  });
  const seed = el("input", { name: "seed", type: "number", min: 0, placeholder: "0" });
  kind.setAttribute("aria-describedby", "fault-meaning");
  let kinds = {};

  async function change(options) {
    try {
      const { faults } = await (await ask("/faults", options)).json();
      problem.textContent = "";
      list(faults);
    } catch (error) {
      problem.textContent = error.message;
    }
  }
  const patch = (body) => change({ method: "PATCH", body: JSON.stringify(body) });

  function chosen() {
    meaning.textContent = MEANINGS[kind.value] ?? "";
    const fields = (kinds[kind.value] ?? []).map((name) => {
      const { label, ...attributes } = FIELDS[name] ?? { label: name, type: "text" };
      return el("label", {}, label, el("input", { name, ...attributes }));
    });
    fill(options, fields);
  }

  function add(event) {
    event.preventDefault();
    const inputs = [...options.querySelectorAll("input"), rate, seed].filter(({ value }) => value !== "");
    const settings = inputs.map(({ name, type, value }) => [name, type === "number" ? Number(value) : value]);
    patch({ add: [{ kind: kind.value, ...Object.fromEntries(settings) }] });
  }

  function list(faults) {
    const items = faults.map((fault) => {
      const { kind: name, ...settings } = fault;
      const settingsText = Object.entries(settings)
        .map(([key, value]) => `${key} ${value}`)
        .join(", ");
      const remove = el(
        "button",
        { type: "button", "aria-label": `Remove ${name}`, onclick: () => patch({ remove: [fault] }) },
        "Remove",
      );
      return el(
        "li",
        {},
        el("strong", {}, name),
        el("span", { class: "muted" }, settingsText || (fault.rate === undefined ? "the next request" : "")),
        remove,
      );
    });
    fill(pending, items.length ? items : el("li", { class: "muted" }, "Nothing goes wrong."));
  }

  const form = el(
    "form",
    { onsubmit: add },
    el("h3", {}, "Add a fault"),
    el("label", {}, "Kind", kind),
    meaning,
    options,
    el(
      "div",
      { class: "options" },
      el("label", {}, "Share of requests, 0 to 1", rate),
      el("label", {}, "Seed of the share", seed),
    ),
    el("p", { class: "muted" }, "Without a share it hits the next request, once."),
    el("button", { type: "submit", class: "primary" }, "Add"),
  );
  const close = el("button", { type: "button", onclick: () => dialog.close() }, "Close");
  const clear = el("button", { type: "button", onclick: () => change({ method: "DELETE" }) }, "Remove all");
  fill(
    dialog,
    el("h2", { id: "faults-heading" }, "Faults"),
    pending,
    problem,
    form,
    el("div", { class: "actions" }, clear, close),
  );

  store.addEventListener("change", () => list(store.faults));
  return async () => {
    dialog.showModal();
    list(store.faults);
    try {
      kinds = await (await ask("/faults/kinds")).json();
    } catch (error) {
      problem.textContent = error.message;
    }
    if (kind.childElementCount) return;
    fill(
      kind,
      Object.keys(kinds).map((name) => el("option", { value: name }, name)),
    );
    kind.value = "quota";
    chosen();
  };
}
