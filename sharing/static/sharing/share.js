// What a share bar can do only with a script: copy the link, open the device's share sheet, show the
// count. Every other way to share is a plain link.

// A share is counted every two seconds, and its number is on the site's pages after five at most.
const COUNTED_SOON = [3000, 6000];

const numbers = new Intl.NumberFormat(document.documentElement.lang);
const places = [...document.querySelectorAll("[data-count]")];
// One address for all of an article's pages, so that many readers are told the same.
const articles = [...new Set(places.map((place) => place.dataset.article))].filter(Boolean);

async function showCounts() {
  await Promise.all(articles.map(showCountsOf));
}

async function showCountsOf(article) {
  try {
    const answer = await fetch(`/api/v1/share-counts/${article}/`);
    if (!answer.ok) return;
    // By the server's clock and ours since: a reader's own may be wrong.
    const server = Date.parse(answer.headers.get("Date")) || Date.now();
    const began = performance.now();
    const now = () => server + performance.now() - began;
    const counts = new Map((await answer.json()).results.map((count) => [count.code, count]));
    for (const place of places) {
      const count = counts.get(place.dataset.count);
      const words = count && inWords(count);
      // Nothing of a zero, nor beside every heading that numbers are withheld.
      if (!words || (!count.total && !place.textContent)) continue;
      if ("told" in place.dataset) tell(place, words, count, now);
      else place.textContent = words;
    }
  } catch {
    // The link still leads to the numbers.
  }
}

function inWords({ total, below }) {
  if (below) return `Shared fewer than ${numbers.format(below)} times`;
  return total === 1 ? "Shared once" : total && `Shared ${numbers.format(total)} times`;
}

// The number in a line, and what it means beneath it for whoever opens it.
function tell(place, words, count, now) {
  let details = place.querySelector("details");
  if (!details) {
    const focused = place.contains(document.activeElement);
    details = make("details", make("summary"), make("div"));
    details.addEventListener("toggle", () => details.tell());
    place.replaceChildren(details);
    if (focused) details.firstChild.focus();
  }
  const [summary, meaning] = details.children;
  if (summary.textContent !== words) summary.textContent = words;
  details.tell = () => details.open && meaning.replaceChildren(...meaningOf(count, now()));
  // What is being read stays as it is, unless its numbers changed.
  const said = JSON.stringify([count.classes, count.below]);
  if (details.said !== said && !meaning.contains(document.activeElement)) details.tell();
  details.said = said;
  announce(place, words);
}

// Once a page, and of the page's own bar alone: every number read out would be noise.
function announce(place, words) {
  if (place !== places[0] || announce.done) return;
  announce.done = true;
  const region = place.parentElement.querySelector("[role=status]");
  const said = make("span", words);
  said.className = "unseen";
  region?.append(said);
}

const MEANINGS = {
  intent: ["Intents", "A network was chosen here. Whether it was posted there, we cannot see.", "Counted by our link to the network."],
  handed_over: ["Handed over", "The link was copied, or given to the device’s share sheet.", "Told by the page that was read."],
  arrival: ["Arrivals", "A shared link was opened: at least so often, as some apps strip links. No part of “shared”.", "Counted by our short links."],
  observed: ["Observed", "A network told us so of our own posts. No part of “shared”.", "Told by the network when last asked."],
  mention: ["Mentions", "Another site named this page. No part of “shared”.", "Read on that page."],
};

function* meaningOf({ code, classes, below, as_of: asOf }, now) {
  if (classes) yield make("p", "“Shared” adds up the first two.");
  if (below) yield make("p", "So small a number is not told: on a health page it could point at a person.");
  const list = make("dl");
  for (const [name, [heading, meaning, source]] of Object.entries(MEANINGS)) {
    const number = classes?.[name];
    // The last two are not counted everywhere.
    if (number === undefined || (!number && (name === "observed" || name === "mention"))) continue;
    list.append(make("dt", `${heading}: ${numbers.format(number)}`), make("dd", meaning, " ", make("span", source)));
  }
  if (classes) yield list;
  yield make("p", asOf ? `Counted by this site until ${ageOf(asOf, now)}.` : "Counted by this site; until when, cannot be told now.");
  yield make("p", link(`/share/${code}/`, "Numbers for each way of sharing"), " ", link("/privacy/", "What we count, and what we never keep"));
}

function ageOf(asOf, now) {
  const moment = new Date(asOf);
  const seconds = Math.max(0, Math.round((now - moment) / 1000));
  const [size, unit] = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]].find(([size]) => seconds >= size) ?? [];
  const locale = document.documentElement.lang;
  const age = unit ? new Intl.RelativeTimeFormat(locale).format(-Math.floor(seconds / size), unit) : "just now";
  const format = unit === "day" ? { dateStyle: "long", timeStyle: "short" } : { timeStyle: "short" };
  return `${moment.toLocaleString(locale, format)}, ${age}`;
}

function make(name, ...content) {
  const element = document.createElement(name);
  element.append(...content);
  return element;
}

function link(address, words) {
  const element = make("a", words);
  element.href = address;
  return element;
}

function countSoon() {
  for (const wait of COUNTED_SOON) setTimeout(showCounts, wait);
}

function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Plain http has no randomUUID: version 4 by hand (RFC 9562).
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

// The id names this one share, so that sending it twice counts once. No time is sent: nothing is stored here
// to be sent on another day, and a device's clock may be wrong.
async function report(code, channel) {
  const body = JSON.stringify({ event_id: newId(), code, channel, class: "handed_over" });
  const send = () =>
    fetch("/api/v1/share-events/", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body,
      keepalive: true,
    }).then((answer) => answer.status < 500, () => false);
  if (!(await send())) setTimeout(send, 2000);
  countSoon();
}

async function writeToClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Plain http has no clipboard: the older way copies a selection.
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "unseen";
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    return copied;
  }
}

function enhance(bar) {
  const { code } = bar.dataset;
  const status = bar.querySelector("[role=status]");
  const copy = bar.querySelector("[data-copy]");
  const sheet = bar.querySelector("[data-sheet]");

  copy?.addEventListener("click", async () => {
    status.textContent = "";
    const copied = await writeToClipboard(copy.dataset.copy);
    copy.focus();
    status.replaceChildren(make("span", copied ? "Link copied" : `Copy this link: ${copy.dataset.copy}`));
    if (copied) report(code, copy.dataset.channel);
  });
  if (copy) copy.parentElement.hidden = false;

  sheet?.addEventListener("click", async () => {
    try {
      await navigator.share({ title: sheet.dataset.title, url: sheet.dataset.sheet });
    } catch {
      return; // Closed without a choice: nothing was shared.
    }
    report(code, sheet.dataset.channel);
  });
  if (sheet && navigator.share) sheet.parentElement.hidden = false;

  // A network's page replaces this one, but a mail program opens beside it.
  bar.addEventListener("click", (event) => {
    if (event.target.closest("a")) countSoon();
  });
}

for (const bar of document.querySelectorAll("[data-code]")) enhance(bar);

if (articles.length) {
  showCounts();
  // Back from a network, from the cache of pages or from another tab.
  addEventListener("pageshow", (event) => event.persisted && showCounts());
  document.addEventListener("visibilitychange", () => document.hidden || showCounts());
}
