// A conversation: the system instruction, the turns, and the answer.

import { el } from "./dom.js";
import { plural } from "./format.js";
import { fields, listed, partElement } from "./parts.js";

const KEPT_OPEN = 3;
const ROLES = { user: "User", model: "Model", function: "Function" };

/**
 * Show the conversation of a request and its answer.
 * @param {Object} detail What the emulator tells of the request.
 * @param {Object} context As for `partElement`.
 */
export function conversation(detail, context) {
  const [request, at] = detail.parsed ? [fields(detail.parsed), "/parsed"] : [fields(detail.request), "/request"];
  const [systemName, contentsName] = [
    "systemInstruction" in request ? "systemInstruction" : "system_instruction",
    "contents",
  ];
  const system = fields(request[systemName]);
  const contents = listed(request[contentsName]);
  const uploads = uploaded();
  const turns = contents.map((content, index) =>
    turn(fields(content), `${at}/${contentsName}/${index}`, {
      ...context,
      file: fields(content).role === "model" ? numbered() : uploads,
    }),
  );
  const earlier = turns.slice(0, -KEPT_OPEN);
  return [
    listed(system.parts).length > 0 &&
      turn({ ...system, role: "System" }, `${at}/${systemName}`, { ...context, file: numbered() }),
    earlier.length > 0 &&
      el("details", { class: "earlier" }, el("summary", {}, plural(earlier.length, "earlier turn")), earlier),
    turns.slice(-KEPT_OPEN),
    answer(detail, context),
  ];
}

function answer(detail, context) {
  const parts = listed(fields(detail.answer).parts);
  const over = detail.state !== "open";
  if (!parts.length && detail.problem) return null;
  const drawn = numbered();
  const shown = parts.map((part, index) =>
    partElement(part, `/answer/parts/${index}`, { ...context, file: drawn }),
  );
  const finish = fields(detail.answer).finishReason;
  const why = fields(detail.answer).finishMessage;
  return el(
    "section",
    { class: "turn answer", "aria-label": "Answer" },
    el(
      "h4",
      {},
      "Answer",
      finish && el("span", { class: finish === "STOP" ? "muted" : "outcome bad" }, ` ${finish}`),
    ),
    shown.length ? shown : el("p", { class: "muted" }, over ? "The answer holds no part." : "Nothing yet."),
    why && el("p", { class: "prose" }, String(why)),
  );
}

function turn(content, pointer, context) {
  const role = ROLES[content.role] ?? String(content.role ?? "User");
  return el(
    "section",
    { class: `turn turn-${role.toLowerCase()}`, "aria-label": role },
    el("h4", {}, role),
    listed(content.parts).map((part, index) => partElement(part, `${pointer}/parts/${index}`, context)),
  );
}

const EXTENSIONS = {
  "text/csv": ".csv",
  "text/x-python": ".py",
  "text/plain": ".txt",
  "image/jpeg": ".jpg",
  "image/svg+xml": ".svg",
};
const extension = (type) => EXTENSIONS[type] ?? (type.startsWith("image/") ? `.${type.slice(6)}` : "");
const named = (stem, type) => `${stem}${extension(type)}`;

/** Names of a user's files, as the sandbox gives them. */
function uploaded() {
  let next = 0;
  return (type) => named(`input_file_${next++}`, type);
}

/** Names of what an answer brings along. */
function numbered() {
  let plots = 0;
  let files = 0;
  return (type) => (type.startsWith("image/") ? `plot ${++plots}` : `file ${++files}`);
}
