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
    const totals = new Map((await answer.json()).results.map(({ code, total }) => [code, total]));
    for (const place of places) {
      const total = totals.get(place.dataset.count);
      // Not a zero, nor a number that is withheld.
      if (total) place.textContent = total === 1 ? "Shared once" : `Shared ${numbers.format(total)} times`;
    }
  } catch {
    // The link still leads to the numbers.
  }
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
    status.textContent = copied ? "Link copied" : `Copy this link: ${copy.dataset.copy}`;
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
