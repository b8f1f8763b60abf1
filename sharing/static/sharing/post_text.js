/*
 * How long a post is, by the rule of the server that takes it. The server side is
 * sharing/networks/posting/lengths.py; tests/sharing/networks/posting/text_vectors.json holds both to the same.
 *
 * A rule is {limit, unit, bytes, link, local_mentions, warning_counts}, as TextRule.as_dict() gives it.
 */

const LINK = new RegExp(
  "(?<![A-Za-z0-9@＠$#＃])[Hh][Tt][Tt][Pp][Ss]?://" +
    "(?:[\\p{L}\\p{N}](?:[\\p{L}\\p{N}_\\-]{0,61}[\\p{L}\\p{N}])?\\.){1,126}" +
    "(?:[Xx][Nn]--[A-Za-z0-9\\-]{1,59}|[A-Za-z]{2,63}(?![A-Za-z0-9@\\-])|[\\p{L}]{2,63}(?![A-Za-z0-9@\\-]))" +
    "(?::[0-9]{1,5})?",
  "gu",
);
const PATH =
  /\/(?:[^\p{White_Space}<>()?]|\((?:[^\p{White_Space}<>()?]+|[^\p{White_Space}<>()?]*\([^\p{White_Space}<>()?]+\)[^\p{White_Space}<>()?]*)\))*/uy;
const QUERY = /\?[A-Za-z0-9!?*'();:&=+$/%#[\]\-_.,~|@^\u{A0}-\u{10FFFD}]*/uy;
const QUERY_END = /[A-Za-z0-9_&=#/\-\u{A0}-\u{10FFFD}]$/u;
const SPACE = /\p{White_Space}/u;
const NO_PATH_END = new Set("!*\"'「」;:=,.$%[]~&|@");
const MENTION =
  /(?<![=/\p{L}\p{N}_])@([A-Za-z0-9_]+(?:[.\-]+[A-Za-z0-9_]+)*)@[\p{L}\p{N}_.\-]*[\p{L}\p{N}_]/gu;

const segmenter =
  typeof Intl !== "undefined" && Intl.Segmenter ? new Intl.Segmenter("en", { granularity: "grapheme" }) : null;

/** Count what a reader sees as single characters; code points in a browser that cannot tell. */
export function graphemes(text) {
  if (!segmenter) return codePoints(text);
  let count = 0;
  for (const _ of segmenter.segment(text)) count += 1;
  return count;
}

function unitsOf(text, unit) {
  if (unit === "utf16") return text.length;
  return unit === "codepoint" ? codePoints(text) : graphemes(text);
}

function codePoints(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function matchAt(pattern, text, position) {
  pattern.lastIndex = position;
  return pattern.exec(text)?.[0] ?? null;
}

function linkEnd(text, position) {
  const path = matchAt(PATH, text, position);
  if (path !== null) {
    let end = position + path.length;
    while (NO_PATH_END.has(text[end - 1])) end -= 1;
    if (end < position + path.length) return end;
    position = end;
  }
  let query = matchAt(QUERY, text, position);
  if (query === null) return position;
  query = query.split(SPACE, 1)[0];
  while (query && !QUERY_END.test(query)) query = Array.from(query).slice(0, -1).join("");
  return position + query.length;
}

/** Return where links begin and end, in UTF-16 units, as Mastodon finds them. */
export function links(text) {
  const found = [];
  let match;
  LINK.lastIndex = 0;
  while ((match = LINK.exec(text))) {
    const end = linkEnd(text, match.index + match[0].length);
    found.push([match.index, end]);
    LINK.lastIndex = end;
  }
  return found;
}

function withLinksAs(text, placeholder) {
  let counted = "";
  let position = 0;
  for (const [start, end] of links(text)) {
    counted += text.slice(position, start) + placeholder;
    position = end;
  }
  return counted + text.slice(position);
}

/** Measure a text, and a warning before it where the rule says so: {units, bytes, left, fits}. */
export function measure(text, rule, warning = "") {
  let counted = text;
  if (rule.link !== null && rule.link !== undefined) counted = withLinksAs(counted, "x".repeat(rule.link));
  if (rule.local_mentions) counted = counted.replace(MENTION, "@$1");
  if (rule.warning_counts) counted = warning + counted;
  const units = unitsOf(counted, rule.unit);
  const bytes = new TextEncoder().encode(text).length;
  const limited = rule.bytes !== null && rule.bytes !== undefined;
  return {
    units,
    bytes,
    left: rule.limit - units,
    fits: units <= rule.limit && (!limited || bytes <= rule.bytes),
  };
}
