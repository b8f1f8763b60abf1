// Keep a post's page fresh while something of it is under way. Without this script the page shows how it stood
// when it was opened.

const SOONEST_MS = 3000;
const LATEST_MS = 30000;

const page = document.querySelector("[data-post-watch]");
const place = page.querySelector("[data-post-standing]");
const told = page.querySelector("[data-post-told]");

let wait = SOONEST_MS;
let timer;

const isUnderWay = () => place.querySelector('[data-under-way="1"]') !== null;

// Only what differs is replaced: whoever reads a ledger or stands on a button is left alone.
const show = (html) => {
  const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("[data-under-way]");
  const shown = place.querySelector("[data-under-way]");
  const changes = [];
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const old = shown.querySelector(`[data-part="${part.dataset.part}"]`);
    if (old?.dataset.version === part.dataset.version) continue;
    const details = part.querySelector("details");
    if (details && old?.querySelector("details")?.open) details.open = true;
    const address = old?.contains(document.activeElement) && document.activeElement.getAttribute("href");
    if (old) old.replaceWith(part);
    else shown.append(part);
    // Whoever stood on a link stands on it again, if it is still there.
    if (address) [...part.querySelectorAll("a")].find((link) => link.getAttribute("href") === address)?.focus();
    if (part.dataset.told && part.dataset.told !== old?.dataset.told) changes.push(part.dataset.told);
  }
  shown.dataset.underWay = fresh.dataset.underWay;
  if (changes.length) told.textContent = changes.join(". ");
  return changes.length > 0;
};

const look = async () => {
  try {
    const answer = await fetch(page.dataset.postWatch, { credentials: "same-origin" });
    // A log-in page answers 200 too, from another address.
    if (answer.redirected) return;
    if (!answer.ok) throw new Error(answer.statusText);
    const changed = show(await answer.text());
    wait = changed ? SOONEST_MS : Math.min(wait * 1.3, LATEST_MS);
  } catch {
    // What is shown stays; the next look tries again.
    wait = LATEST_MS;
  }
  lookLater();
};

const lookLater = () => {
  clearTimeout(timer);
  if (isUnderWay() && !document.hidden) timer = setTimeout(look, wait);
};

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (document.hidden || !isUnderWay()) return;
  wait = SOONEST_MS;
  look();
});
lookLater();
