// Numbers, times and sizes as a reader wants them.

const COUNT = new Intl.NumberFormat("en");
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DATE = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

export const count = (number) => COUNT.format(number);
export const clock = (iso) => CLOCK.format(new Date(iso));
export const date = (iso) => DATE.format(new Date(iso));
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

/** Milliseconds in three digits or so. */
export function duration(ms) {
  if (ms === null || ms === undefined) return "…";
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60_000
    ? `${(ms / 1000).toFixed(2)} s`
    : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** Bytes in three digits or so. */
export function bytes(size) {
  if (size < 1024) return plural(size, "byte");
  const [number, unit] = size < 1024 ** 2 ? [size / 1024, "KiB"] : [size / 1024 ** 2, "MiB"];
  return `${number < 10 ? number.toFixed(1) : Math.round(number)} ${unit}`;
}

const METHODS = {
  generateContent: "generate",
  streamGenerateContent: "stream",
  createInteraction: "interact",
  countTokens: "count",
};
export const shortMethod = (summary) =>
  METHODS[summary.method] ?? (summary.method === "GET" && summary.endpoint ? "models" : summary.method);

const ENDPOINTS = { vertex: "Vertex AI", developer: "Developer API" };
export const endpointName = (endpoint) => ENDPOINTS[endpoint] ?? "no endpoint";

/** What became of a request: a word for people, and one of the four tones of the page. */
export function verdict({ state, status }) {
  if (state === "open") return { word: "…", tone: "busy", phrase: "under way" };
  if (state === "cut") return { word: status ? `${status} cut` : "cut", tone: "bad", phrase: "cut off" };
  return {
    word: String(status),
    tone: status < 400 ? "good" : "bad",
    phrase: status < 400 ? "succeeded" : "failed",
  };
}
