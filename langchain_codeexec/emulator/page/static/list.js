// The list of requests. Only the rows in sight exist, so that thousands cost no more than a few.

import { el } from "./dom.js";
import { clock, count, duration, shortMethod, verdict } from "./format.js";
import { marked } from "./marks.js";

const BEYOND = 6;
const ENDPOINTS = { vertex: "Vertex", developer: "Developer" };

export class RequestList {
  #element;
  #room;
  #probe;
  #items = [];
  #active = null;
  #snippets = new Map();
  #query = "";
  #drawn = false;

  /**
   * @param {HTMLElement} element The listbox.
   * @param {(number: number, opened: boolean) => void} choose Told which request is chosen, and whether by a
   *   click or Enter rather than by moving along.
   */
  constructor(element, choose) {
    this.#element = element;
    this.choose = choose;
    this.#room = el("div", { class: "room", role: "presentation" });
    this.#probe = el("div", { class: "row probe", "aria-hidden": "true" });
    element.append(this.#probe, this.#room);
    element.addEventListener("scroll", () => this.#redraw());
    element.addEventListener("click", (event) => this.#clicked(event));
    new ResizeObserver(() => this.#redraw()).observe(element);
  }

  get #height() {
    return this.#probe.getBoundingClientRect().height || 1;
  }

  /** Show these requests; what was in sight stays in sight. */
  show(items, snippets, query) {
    const element = this.#element;
    const first = this.#items[0]?.number;
    const above = element.scrollTop > 0 && first ? items.findIndex(({ number }) => number === first) : 0;
    this.#items = items;
    this.#snippets = snippets;
    this.#query = query;
    this.#room.style.height = `${items.length * this.#height}px`;
    if (above > 0) element.scrollTop += above * this.#height;
    this.#redraw();
  }

  /** Mark a request as the chosen one. */
  activate(number, { scroll = true } = {}) {
    this.#active = number;
    const index = this.#index;
    if (scroll && index >= 0) {
      const { scrollTop, clientHeight } = this.#element;
      const top = index * this.#height;
      if (top < scrollTop) this.#element.scrollTop = top;
      else if (top + this.#height > scrollTop + clientHeight)
        this.#element.scrollTop = top + this.#height - clientHeight;
    }
    this.#redraw();
  }

  /** Choose the next request, or with -1 the previous one. */
  move(step) {
    if (!this.#items.length) return;
    const index = Math.min(Math.max(this.#index + step, 0), this.#items.length - 1);
    const { number } = this.#items[this.#index < 0 ? 0 : index];
    this.activate(number);
    this.choose(number, false);
  }

  get active() {
    return this.#active;
  }

  focus() {
    this.#element.focus();
  }

  get #index() {
    return this.#items.findIndex(({ number }) => number === this.#active);
  }

  #clicked(event) {
    const row = event.target.closest("[role=option]");
    if (!row) return;
    const number = Number(row.dataset.number);
    this.activate(number, { scroll: false });
    this.choose(number, true);
  }

  #redraw() {
    if (this.#drawn) return;
    this.#drawn = true;
    requestAnimationFrame(() => {
      this.#drawn = false;
      this.#draw();
    });
  }

  #draw() {
    const { scrollTop, clientHeight } = this.#element;
    const height = this.#height;
    const from = Math.max(0, Math.floor(scrollTop / height) - BEYOND);
    const to = Math.min(this.#items.length, Math.ceil((scrollTop + clientHeight) / height) + BEYOND);
    this.#room.style.height = `${this.#items.length * height}px`;
    const rows = [];
    for (let index = from; index < to; index += 1) {
      const row = this.#row(this.#items[index], index);
      row.style.transform = `translateY(${index * height}px)`;
      rows.push(row);
    }
    this.#room.replaceChildren(...rows);
    const seen = this.#index >= from && this.#index < to;
    if (seen) this.#element.setAttribute("aria-activedescendant", `row-${this.#active}`);
    else this.#element.removeAttribute("aria-activedescendant");
  }

  #row(summary, index) {
    const { word, tone, phrase } = verdict(summary);
    const text = this.#snippets.get(summary.number) ?? (summary.text || summary.problem);
    return el(
      "div",
      {
        class: "row",
        role: "option",
        id: `row-${summary.number}`,
        "aria-selected": summary.number === this.#active ? "true" : "false",
        "aria-setsize": this.#items.length,
        "aria-posinset": index + 1,
        dataset: { number: summary.number },
      },
      el("span", { class: "unseen" }, `Request ${summary.number}, ${phrase}: `),
      el("span", { class: `status ${tone}` }, word),
      el("span", { class: "model" }, summary.model || summary.path),
      el("span", { class: "endpoint" }, ENDPOINTS[summary.endpoint]),
      el("time", { class: "time", datetime: summary.time }, clock(summary.time)),
      el("span", { class: "method" }, shortMethod(summary)),
      el("span", { class: "text", dir: "auto" }, marked(text, this.#query)),
      el("span", { class: "signs" }, signs(summary)),
    );
  }
}

function signs({ codeExecution, functions, otherTools, faults, tokens, duration: ms }) {
  const sign = (text, spoken, title, tone = "") =>
    el("span", { class: `sign ${tone}`, title }, text, el("span", { class: "unseen" }, spoken));
  return [
    faults.length > 0 && sign("fault", ` ${faults.join(", ")}`, faults.join(", "), "bad"),
    codeExecution && sign("code", " execution offered", "Code execution is offered"),
    functions.length > 0 && sign(`${functions.length} fn`, ", functions offered", functions.join(", ")),
    otherTools.length > 0 && sign("tools", ` ${otherTools.join(", ")}`, otherTools.join(", ")),
    tokens !== null && el("span", { class: "figure", title: "tokens" }, `${count(tokens)} tok`),
    el("span", { class: "figure" }, duration(ms)),
  ];
}
