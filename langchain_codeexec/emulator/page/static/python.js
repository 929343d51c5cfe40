// Python source as tokens. It never fails: what is no Python is a token all the same, and all of them together are
// the source.

const words = (list) => new Set(list.split(" "));

const KEYWORDS = words(
  "and as assert async await break class continue def del elif else except finally for from global if import in is " +
    "lambda match nonlocal not or pass raise return try type while with yield case",
);
const SOFT = words("match case type");
const CONSTANTS = words("False None True Ellipsis NotImplemented self cls");
const BUILTINS = words(
  "abs all any ascii bin bool bytearray bytes callable chr classmethod complex dict dir divmod enumerate eval exec " +
    "filter float format frozenset getattr globals hasattr hash help hex id input int isinstance issubclass iter len " +
    "list locals map max memoryview min next object oct open ord pow print property range repr reversed round set " +
    "setattr slice sorted staticmethod str sum super tuple type vars zip Exception ValueError TypeError KeyError IndexError",
);

const BEGINNING = { kind: "beginning", text: "" };
const DIGITS = String.raw`\d(?:_?\d)*`;
const RULES = [
  ["space", /\s+/y],
  ["comment", /#[^\n]*/y],
  ["string", /[rbuft]{0,2}(?:"""(?:\\[^]|(?!""")[^])*(?:"""|$)|'''(?:\\[^]|(?!''')[^])*(?:'''|$))/iy],
  ["string", /[rbuft]{0,2}(?:"(?:\\[^]|[^"\\\n])*(?:"|(?=\n)|$)|'(?:\\[^]|[^'\\\n])*(?:'|(?=\n)|$))/iy],
  ["number", /0[xX](?:_?[\da-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+/y],
  [
    "number",
    new RegExp(String.raw`(?:${DIGITS}\.?(?:${DIGITS})?|\.${DIGITS})(?:[eE][+-]?${DIGITS})?[jJ]?`, "y"),
  ],
  ["name", /[\p{ID_Start}_][\p{ID_Continue}]*/uy],
  ["operator", /->|:=|\*\*=?|\/\/=?|<<=?|>>=?|\.\.\.|[-+*/%@&|^<>=!]=|[^]/uy],
];

/**
 * Take Python source apart.
 * @param {string} source
 * @returns {{kind: string, text: string}[]} Kinds: `space`, `comment`, `string`, `number`, `keyword`, `constant`,
 *   `builtin`, `definition`, `decorator`, `name`, `operator`.
 */
export function tokens(source) {
  const found = [];
  let at = 0;
  let before = BEGINNING;
  while (at < source.length) {
    const token = refined(next(source, at), before, source, at);
    found.push(token);
    at += token.text.length;
    if (token.kind !== "space") before = token;
    else if (token.text.includes("\n")) before = BEGINNING;
  }
  return found;
}

function next(source, at) {
  for (const [kind, rule] of RULES) {
    rule.lastIndex = at;
    const [text] = rule.exec(source) ?? [""];
    if (text) return { kind, text };
  }
  return { kind: "operator", text: source[at] };
}

function refined({ kind, text }, before, source, at) {
  if (text === "@" && before === BEGINNING) return { kind: "decorator", text };
  if (kind !== "name") return { kind, text };
  if (before.kind === "decorator" && before.text === "@") return { kind: "decorator", text };
  if (before.text === "def" || before.text === "class") return { kind: "definition", text };
  if (before.text === ".") return { kind, text };
  if (KEYWORDS.has(text) && (!SOFT.has(text) || (before === BEGINNING && opensStatement(source, at)))) {
    return { kind: "keyword", text };
  }
  if (CONSTANTS.has(text)) return { kind: "constant", text };
  return { kind: BUILTINS.has(text) ? "builtin" : "name", text };
}

/** `match`, `case` and `type` are keywords only where a statement of theirs begins. */
function opensStatement(source, at) {
  const end = source.indexOf("\n", at);
  const line = source.slice(at, end < 0 ? source.length : end);
  return /^(?:(?:match|case)\s+[^=.,)\]].*:|type\s+\w+\s*[=[])/.test(line);
}
