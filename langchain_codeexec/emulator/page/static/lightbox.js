// An image, as large as the window.

import { byId, el, fill } from "./dom.js";

/** Show an image until it is clicked or Escape is pressed. */
export function enlarge(url, name) {
  const dialog = byId("lightbox");
  const close = el("button", { type: "button", class: "close", onclick: () => dialog.close() }, "Close");
  fill(dialog, el("figure", {}, el("img", { src: url, alt: name }), el("figcaption", {}, name)), close);
  dialog.onclick = () => dialog.close();
  dialog.showModal();
}
