// Copying to the clipboard, and saying so.

import { byId, el } from "./dom.js";

let fading = 0;

/** Say something for a moment. */
export function say(text) {
  const toast = byId("toast");
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(fading);
  fading = setTimeout(() => (toast.hidden = true), 4000);
}

/**
 * A button that copies a text.
 * @param {string} label
 * @param {() => string|Promise<string>} text Gives the text when it is pressed.
 */
export function copyButton(label, text) {
  const button = el("button", { type: "button", class: "copy" }, label);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(await text());
      say(`${label.replace("Copy", "Copied")}.`);
    } catch (error) {
      say(`${label}: ${error.message}`);
    }
  });
  return button;
}
