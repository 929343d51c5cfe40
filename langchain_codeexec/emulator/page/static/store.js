// What the page knows: the emulator's requests and faults, as the last change left them.

export class Store extends EventTarget {
  run = "";
  revision = 0;
  missed = 0;
  faults = [];
  #requests = new Map();

  /** Take a change in; tells `change` with the numbers that are new. */
  apply({ run, revision, oldest, missed, faults, requests }) {
    const restarted = this.run !== "" && this.run !== run;
    if (restarted) this.#requests.clear();
    this.run = run;
    this.revision = revision;
    this.missed = missed;
    this.faults = faults;
    for (const number of this.#requests.keys()) {
      if (number >= oldest) break;
      this.#requests.delete(number);
    }
    const fresh = requests.filter(({ number }) => !this.#requests.has(number));
    for (const summary of requests) this.#requests.set(summary.number, summary);
    this.dispatchEvent(new CustomEvent("change", { detail: { fresh, changed: requests, restarted } }));
  }

  get size() {
    return this.#requests.size;
  }

  get(number) {
    return this.#requests.get(number);
  }

  /** Names of the models in the list. */
  get models() {
    return [...new Set([...this.#requests.values()].map(({ model }) => model))].filter(Boolean).sort();
  }

  /** The requests that pass a test, the newest first. */
  shown(passes) {
    return [...this.#requests.values()].filter(passes).reverse();
  }
}
