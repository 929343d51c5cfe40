// The line to the emulator: server-sent events, taken up again where they broke off.

const BASE = "/__emulator__";
const SOONEST = 500;
const LATEST = 5000;

/**
 * Keep a store up to date. A tab in the background lets go of the line, because a browser has only a few of them
 * for one server, and catches up when it is looked at again.
 * @param {Store} store Takes the changes.
 * @param {(state: "connected"|"lost") => void} tell Told when the line is there or gone.
 */
export function keepUp(store, tell) {
  let source = null;
  let wait = SOONEST;
  let timer = 0;

  function open() {
    close();
    source = new EventSource(`${BASE}/events?run=${store.run}&after=${store.revision}`);
    source.onmessage = ({ data }) => {
      wait = SOONEST;
      tell("connected");
      store.apply(JSON.parse(data));
    };
    source.onerror = () => {
      close();
      tell("lost");
      timer = setTimeout(open, wait);
      wait = Math.min(2 * wait, LATEST);
    };
  }

  function close() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  if (!document.hidden) open();
}

/**
 * Ask the emulator.
 * @returns {Promise<Response>} A response that is well.
 * @throws {Error} With the emulator's words, or what keeps from reaching it.
 */
export async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(`${BASE}${path}`, options);
  } catch {
    throw new Error("The emulator cannot be reached.");
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => null);
  throw new Error(body?.error?.message ?? `The emulator answered with status ${response.status}.`);
}

export const address = (number, view = "") => `${BASE}/requests/${number}${view}`;
