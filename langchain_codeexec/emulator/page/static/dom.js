// Making elements. Text is always text: nothing here, or anywhere in this page, parses markup.

/**
 * Make an element.
 * @param {string} name Tag name.
 * @param {Object} props Attributes; functions are listeners (`onclick`), `dataset` is an object, what is false,
 *   null or undefined is left out.
 * @param {...(Node|string|number|null|false|Array)} children What it holds.
 */
export function el(name, props = {}, ...children) {
  return filled(document.createElement(name), props, children);
}

/** Make an element of an SVG picture; as `el`. */
export function svg(name, props = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), props, children);
}

function filled(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...held(children));
  return element;
}

function held(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/** Put other children into an element. */
export function fill(element, ...children) {
  element.replaceChildren(...held(children));
}

export const byId = (id) => document.getElementById(id);
