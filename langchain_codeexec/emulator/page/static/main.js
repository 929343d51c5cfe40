// The page: what is shown follows from the store, the filters, the search and the address.

import { ask, keepUp } from "./connection.js";
import { say } from "./copying.js";
import { showDetail, showNothing } from "./detail.js";
import { byId, el, fill } from "./dom.js";
import { faultPanel } from "./faults.js";
import { chosenBy, offerModels } from "./filters.js";
import { firstSteps } from "./first_steps.js";
import { plural } from "./format.js";
import { shortcuts } from "./keyboard.js";
import { RequestList } from "./list.js";
import { highlight } from "./marks.js";
import { Store } from "./store.js";
import { themeButton } from "./theme.js";

const NEWS_EVERY = 4000;
const DETAIL_EVERY = 400;
const SEARCH_AFTER = 150;

const store = new Store();
const article = byId("detail");
const query = byId("query");
const filters = {
  status: byId("filter-status"),
  offered: byId("filter-offered"),
  model: byId("filter-model"),
};
let hits = null;

// -- what is chosen ------------------------------------------------------------------------------------

const chosen = () => Number(/^#\/requests\/(\d+)$/.exec(location.hash)?.[1] ?? 0);
const narrow = matchMedia("(max-width: 60rem)");

function choose(number, opened) {
  const hash = `#/requests/${number}`;
  if (opened) {
    location.hash = hash;
    if (narrow.matches) article.focus();
  } else if (!narrow.matches) {
    history.replaceState(null, "", hash);
    follow();
  }
}

function back() {
  history.pushState(null, "", location.pathname);
  follow();
  list.focus();
}

const list = new RequestList(byId("list"), choose);

let shownRevision = "";
let asking = 0;

function follow() {
  const number = chosen();
  document.body.classList.toggle("reading", number > 0);
  document.title = number ? `Request ${number} · Gemini emulator` : "Gemini emulator";
  if (number) list.activate(number);
  clearTimeout(asking);
  asking = setTimeout(() => load(number), 30);
}

async function load(number) {
  const summary = store.get(number);
  const revision = `${store.run} ${number} ${summary?.revision} ${store.size > 0}`;
  if (revision === shownRevision) return;
  shownRevision = revision;
  if (!summary) {
    delete article.dataset.number;
    showNothing(article, nothing(number), back);
    return;
  }
  try {
    const detail = await (await ask(`/requests/${number}`)).json();
    if (chosen() !== number) return;
    const again = article.dataset.number === String(number);
    const { scrollTop } = article;
    showDetail(article, detail, back);
    article.dataset.number = number;
    article.scrollTop = again ? scrollTop : 0;
    markHits();
  } catch (error) {
    delete article.dataset.number;
    if (chosen() === number) showNothing(article, error.message, back);
  }
}

function nothing(number) {
  if (number && store.run) return `Request ${number} is not remembered any more, or did not come yet.`;
  return store.size ? "Choose a request." : "A chosen request is shown here.";
}

// -- what is listed ------------------------------------------------------------------------------------

function relist() {
  const passes = chosenBy(filters);
  const items = store.shown((summary) => (!hits || hits.has(summary.number)) && passes(summary));
  list.show(items, hits ?? new Map(), query.value.trim());
  byId("shown").textContent =
    items.length === store.size ? String(store.size) : `${items.length} of ${store.size}`;
  emptiness(items);
  byId("missed").hidden = store.missed === 0;
  byId("missed").textContent =
    `${plural(store.missed, "earlier request")} not recorded: recording began when this page was first opened.`;
}

function emptiness(items) {
  const empty = byId("empty");
  empty.hidden = items.length > 0;
  byId("list").hidden = items.length === 0;
  if (store.size) fill(empty, el("p", {}, "No request is like that."));
  else if (!empty.querySelector("pre")) fill(empty, firstSteps(location.origin));
}

for (const filter of Object.values(filters)) filter.addEventListener("change", relist);

// -- search --------------------------------------------------------------------------------------------

let searching = 0;

function markHits() {
  const wanted = query.value.trim();
  const places = highlight(article, wanted);
  byId("hits").textContent = wanted && chosen() ? `${places} here` : "";
}

async function search() {
  const wanted = query.value.trim();
  if (!wanted) {
    hits = null;
  } else {
    try {
      const found = await (await ask(`/search?q=${encodeURIComponent(wanted)}`)).json();
      if (query.value.trim() !== wanted) return;
      hits = new Map(Object.entries(found.hits).map(([number, snippet]) => [Number(number), snippet]));
    } catch (error) {
      say(error.message);
      return;
    }
  }
  relist();
  markHits();
}

function searchSoon(wait = SEARCH_AFTER) {
  clearTimeout(searching);
  searching = setTimeout(search, wait);
}
query.addEventListener("input", () => searchSoon());

// -- what comes ----------------------------------------------------------------------------------------

let unheard = 0;
let hearing = 0;
let reloading = 0;
let first = true;

function tellOf(fresh) {
  unheard += fresh;
  if (!unheard || hearing) return;
  hearing = setTimeout(() => {
    byId("news").textContent = plural(unheard, "new request");
    unheard = hearing = 0;
  }, NEWS_EVERY);
}

store.addEventListener("change", ({ detail: { fresh, changed, restarted } }) => {
  if (restarted) say("The emulator was restarted; the list begins anew.");
  if (!first) tellOf(fresh.length);
  first = false;
  offerModels(filters.model, store.models);
  relist();
  if (query.value.trim() && changed.length) searchSoon(2 * SEARCH_AFTER);
  const badge = byId("fault-count");
  badge.hidden = !store.faults.length;
  badge.textContent = store.faults.length;
  clearTimeout(reloading);
  reloading = setTimeout(() => load(chosen()), article.dataset.number ? DETAIL_EVERY : 0);
});

const CONNECTION = { connected: "Live", lost: "Connection lost, trying again…" };

keepUp(store, (state) => {
  const shown = byId("connection");
  if (shown.dataset.state === state) return;
  shown.dataset.state = state;
  shown.textContent = CONNECTION[state];
});

// -- controls ------------------------------------------------------------------------------------------

const openFaults = faultPanel(store);
byId("open-faults").addEventListener("click", openFaults);
byId("open-help").addEventListener("click", () => byId("help").showModal());
byId("clear").addEventListener("click", async () => {
  try {
    store.apply(await (await ask("/requests", { method: "DELETE" })).json());
    back();
  } catch (error) {
    say(error.message);
  }
});
themeButton(byId("theme"));
window.addEventListener("hashchange", follow);
window.addEventListener("popstate", follow);

function escape() {
  if (query.value && document.activeElement === query) {
    query.value = "";
    searchSoon(0);
  } else if (chosen() && narrow.matches) {
    back();
  } else {
    list.focus();
  }
}

const move = (step) => (event) => {
  const elsewhere = article.contains(document.activeElement) && event.key.startsWith("Arrow");
  if (elsewhere) return;
  event.preventDefault();
  list.move(step);
};

shortcuts({
  j: move(1),
  k: move(-1),
  ArrowDown: move(1),
  ArrowUp: move(-1),
  Enter(event) {
    if (event.target !== byId("list") || !list.active) return;
    choose(list.active, true);
    article.focus();
  },
  Escape: escape,
  "/"(event) {
    event.preventDefault();
    query.focus();
    query.select();
  },
  f: openFaults,
  "?": () => byId("help").showModal(),
});

follow();
