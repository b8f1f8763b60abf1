// The composer while a post is written: counters by each server's own rule, and previews that the server draws.
// A form is sent only once the server has said that it would read it: whoever was signed out loses no word.
// Without this script the counters and previews stand as they were when “Preview” was last pressed.

import { measure } from "./post_text.js";

const PREVIEW_AFTER_MS = 500;
const SAY_AFTER_MS = 1500;
// Doubled braces and all variables but the link are the server's to replace; then its count stands.
const OTHERS = /\{\{|\}\}|\{(?! *link *\})[^{}\n]{0,40}\}/;
const LINK = /\{ *link *\}/g;
const NUMBERS = new Intl.NumberFormat("en-GB");

/** Return a text as it is sent, as far as the browser can tell. */
function sent(text, link) {
  let whole = text.trimEnd();
  if (whole && whole.search(LINK) < 0) whole += (whole.includes("\n") ? "\n\n" : " ") + "{link}";
  return whole.replace(LINK, () => link).trim();
}

function words(left, rule) {
  const units = rule.limit - left;
  const count = `${NUMBERS.format(units)} of ${NUMBERS.format(rule.limit)}`;
  return left < 0 ? `${count}, ${NUMBERS.format(-left)} too many` : count;
}

class Composer {
  constructor(form) {
    this.form = form;
    this.text = form.querySelector("[data-composer-text]");
    this.warning = form.querySelector("[data-composer-warning]");
    this.said = form.querySelector("[data-composer-said]");
    this.previews = form.querySelector("[data-composer-previews]");
    this.counters = [...form.querySelectorAll("[data-counter]")];
    this.stopped = form.querySelector("[data-composer-stopped]");
    this.changes = 0;
    this.isRead = false;
    // Before all others: what is not sent has not left the page either.
    form.addEventListener("submit", (event) => this.sending(event), { capture: true });
    // Whoever comes back from signing in, in another tab, sees that it worked.
    window.addEventListener("focus", () => {
      if (this.why) this.changed();
    });
    form.addEventListener("input", () => this.changed());
    form.addEventListener("change", () => this.changed());
    for (const own of form.querySelectorAll("[data-composer-own]")) {
      own.addEventListener("toggle", () => this.openOwn(own));
    }
    // The server draws them at once now; the button is for browsers without this script.
    form.querySelector("[data-composer-preview]").hidden = true;
    this.count();
  }

  changed() {
    this.count();
    this.changes += 1;
    clearTimeout(this.drawing);
    this.drawing = setTimeout(() => this.draw(), PREVIEW_AFTER_MS);
  }

  isChosen(account) {
    const box = this.form.querySelector(`input[name="accounts"][value="${account}"]`);
    return box !== null && box.checked;
  }

  textOf(account) {
    const own = this.form.querySelector(`textarea[name="text-${account}"]`);
    return own && own.value.trim() ? own.value : this.text.value;
  }

  /** Begin an own text with the shared one; closed unchanged, it follows the shared one again. */
  openOwn(details) {
    const field = details.querySelector("textarea");
    if (details.open && !field.value.trim()) {
      field.value = this.text.value;
      details.dataset.began = field.value;
      field.focus();
    } else if (!details.open && field.value === details.dataset.began) {
      field.value = "";
    }
    this.changed();
  }

  count() {
    for (const counter of this.counters) {
      const account = counter.dataset.counter;
      counter.hidden = !this.isChosen(account);
      const text = this.textOf(account);
      if (OTHERS.test(text) || text.length > 50_000) continue;
      const rule = JSON.parse(counter.dataset.rule);
      const warning = counter.dataset.warns && this.warning ? this.warning.value.trim() : "";
      const length = measure(sent(text, counter.dataset.link), rule, warning);
      this.show(counter, length.left, length.fits, rule);
    }
  }

  show(counter, left, fits, rule) {
    const count = counter.querySelector("[data-count]");
    count.textContent = words(left, rule);
    if (!fits && left >= 0) count.textContent += ", too many bytes";
    counter.classList.toggle("composer__counter--over", !fits);
    counter.classList.toggle("composer__counter--near", fits && left <= 20);
    clearTimeout(this.saying);
    this.saying = setTimeout(() => this.say(), SAY_AFTER_MS);
  }

  /** Tell it to whoever listens, once typing pauses. */
  say() {
    const all = this.counters.filter((counter) => !counter.hidden);
    const sentence = all
      .map((counter) => `${counter.dataset.name}: ${counter.querySelector("[data-count]").textContent}`)
      .join(". ");
    if (this.said.textContent !== sentence) this.said.textContent = sentence;
  }

  async draw() {
    const asked = this.changes;
    this.request?.abort();
    this.request = new AbortController();
    try {
      const answer = await this.ask(this.request.signal);
      const why = this.whyNot(answer);
      // A fault that passes is told only to who wants to send.
      if (why !== "away") this.tell(why);
      if (why) return;
      const drawn = await answer.text();
      if (asked !== this.changes) return;
      this.previews.innerHTML = drawn;
      // What is wrong with the texts by now is said there.
      for (const each of this.form.querySelectorAll("[data-text-error]")) each.hidden = true;
      this.follow();
    } catch {
      // What is shown stays; the next key tries again.
    }
  }

  /** Show the server the form as it is; nothing is saved. */
  async ask(signal) {
    const post = () => {
      const data = new FormData(this.form);
      data.set("action", "live");
      return fetch(location.href, { method: "POST", body: data, credentials: "same-origin", signal });
    };
    const answer = await post();
    // Signing in again, in another tab, made this page's token void.
    return answer.status === 403 && (await this.renewToken(signal)) ? post() : answer;
  }

  async renewToken(signal) {
    const answer = await fetch(location.href, { credentials: "same-origin", signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[name=csrfmiddlewaretoken]")?.value;
    if (!fresh) return false;
    for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = fresh;
    return true;
  }

  /** Return why the form would not be read: "signed-out", "refused", "away"; empty where it would. */
  whyNot(answer) {
    // A log-in page answers 200 too, from another address; so does the first page of the admin, for who may not.
    if (answer.redirected) return new URL(answer.url).pathname === this.stopped.dataset.login ? "signed-out" : "refused";
    if (answer.status === 401) return "signed-out";
    if (answer.status === 403) return "refused";
    return answer.ok ? "" : "away";
  }

  tell(why) {
    this.why = why;
    for (const each of this.stopped.children) each.hidden = each.dataset.why !== why;
  }

  async sending(event) {
    if (this.isRead) {
      this.isRead = false;
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    if (this.isAsking) return;
    this.isAsking = true;
    let why = "away";
    try {
      why = this.whyNot(await this.ask());
    } catch {
      // Nothing came back: told below.
    }
    this.isAsking = false;
    this.tell(why);
    if (why) return;
    this.isRead = true;
    this.form.requestSubmit(event.submitter);
  }

  /** Take over the server's counts where it alone can tell them. */
  follow() {
    for (const counter of this.counters) {
      const account = counter.dataset.counter;
      if (!OTHERS.test(this.textOf(account))) continue;
      const preview = this.previews.querySelector(`[data-preview="${account}"]`);
      if (!preview) continue;
      const fits = !("refused" in preview.dataset);
      this.show(counter, Number(preview.dataset.left), fits, JSON.parse(counter.dataset.rule));
    }
  }
}

for (const form of document.querySelectorAll("[data-composer]")) new Composer(form);
