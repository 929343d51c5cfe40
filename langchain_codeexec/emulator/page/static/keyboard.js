// Keys that work everywhere but where something is written.

/**
 * @param {Object<string, (event: KeyboardEvent) => void>} keys What each key does.
 */
export function shortcuts(keys) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const writing = event.target.closest?.("input, select, textarea");
    if (writing && event.key !== "Escape") return;
    const action = keys[event.key];
    if (action) action(event);
  });
}
