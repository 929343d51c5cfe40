// What an empty page says: how to send the first request.

import { copyButton } from "./copying.js";
import { el } from "./dom.js";

const BODY =
  '{"contents": [{"parts": [{"text": "Sum of the first 50 primes?"}]}], "tools": [{"codeExecution": {}}]}';

/** @param {string} url Where the emulator is. */
export function firstSteps(url) {
  const command =
    `curl -H 'x-goog-api-key: any' -H 'content-type: application/json' \\\n  -d '${BODY}' \\\n` +
    `  ${url}/v1beta/models/gemini-3-flash-preview:generateContent`;
  return [
    el("p", {}, "Nothing is recorded yet. Requests appear here as they come. Send the first one:"),
    el("pre", { class: "output", tabindex: 0, role: "region", "aria-label": "Command" }, command),
    copyButton("Copy command", () => command),
    el("p", { class: "muted" }, "Or point a client at ", el("code", {}, url), " with any API key."),
  ];
}
