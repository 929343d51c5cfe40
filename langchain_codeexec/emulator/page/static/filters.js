// Which requests are listed, by what the three filters say.

import { el } from "./dom.js";

const STATUS = {
  good: ({ state, status }) => state === "complete" && status < 400,
  bad: ({ state, status }) => state === "complete" && status >= 400,
  cut: ({ state }) => state === "cut",
  open: ({ state }) => state === "open",
};
const OFFERED = {
  code: ({ codeExecution }) => codeExecution,
  functions: ({ functions }) => functions.length > 0,
  both: ({ codeExecution, functions }) => codeExecution && functions.length > 0,
  none: ({ codeExecution, functions, otherTools }) =>
    !codeExecution && !functions.length && !otherTools.length,
};
const any = () => true;

/** A test of summaries, made of what is selected. */
export function chosenBy({ status, offered, model }) {
  const tests = [
    STATUS[status.value] ?? any,
    OFFERED[offered.value] ?? any,
    model.value ? (summary) => summary.model === model.value : any,
  ];
  return (summary) => tests.every((test) => test(summary));
}

/** Let every model in the list be selected. */
export function offerModels(select, models) {
  const known = [...select.options].map(({ value }) => value);
  const fresh = models.filter((name) => !known.includes(name));
  select.append(...fresh.map((name) => el("option", { value: name }, name)));
}
