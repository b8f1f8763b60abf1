// Settings → Sharing: move networks with buttons or a pointer, and see what readers would see. Without
// this script the places are numbers to type. Nothing is stored before Save.

const PAUSE_MS = 300; // after the last change, before the preview is asked for
const PHONE = 500; // narrower previews have the share sheet's button, as phones do

class NetworkList {
  constructor(root, changed) {
    this.list = root.querySelector("ol");
    this.status = root.querySelector("[data-moved]");
    this.changed = changed;
    for (const row of this.rows) this.#enhance(row);
    const reset = root.querySelector("[data-reset]");
    reset.hidden = false;
    reset.addEventListener("click", () => this.#reset());
  }

  get rows() {
    return [...this.list.children];
  }

  #enhance(row) {
    // A place that was refused stays to be seen and mended.
    const place = row.querySelector("[data-place]");
    place.hidden = !place.querySelector("[aria-invalid]");
    row.querySelector("[data-moves]").hidden = false;
    for (const button of row.querySelectorAll("[data-move]")) {
      button.addEventListener("click", () => this.#step(row, button));
    }
    const handle = row.querySelector("[data-handle]");
    handle.hidden = false;
    handle.addEventListener("pointerdown", (event) => {
      if (event.button === 0) this.#drag(row, event);
    });
  }

  #step(row, button) {
    const down = button.dataset.move === "1";
    const neighbour = down ? row.nextElementSibling : row.previousElementSibling;
    if (!neighbour) {
      this.#say(`${row.dataset.name} is ${down ? "last" : "first"} already`);
      return;
    }
    if (down) neighbour.after(row);
    else neighbour.before(row);
    button.focus(); // which moving took away
    row.scrollIntoView({ block: "nearest" });
    this.#moved(row);
  }

  // The row moves on release: one that moves under the pointer would lose it.
  #drag(row, start) {
    start.preventDefault();
    const end = new AbortController();
    const { signal } = end;
    let before = row; // the row to stand before; null for the end
    const mark = () => {
      for (const each of this.rows) {
        each.classList.toggle("is-dragged", !signal.aborted && each === row);
        each.classList.toggle("is-before", !signal.aborted && each === before && before !== row);
        each.classList.toggle("is-after", !signal.aborted && !before && each === this.list.lastElementChild);
      }
    };
    const finish = (drop) => {
      end.abort();
      mark();
      if (!drop || before === row || before === row.nextElementSibling) return;
      if (!before && row === this.list.lastElementChild) return;
      this.list.insertBefore(row, before);
      this.#moved(row);
    };
    addEventListener("pointermove", (event) => {
      if (event.pointerId !== start.pointerId) return;
      const { rows } = this;
      const below = rows.findIndex((each) => {
        const box = each.getBoundingClientRect();
        return event.clientY < box.top + box.height / 2;
      });
      before = below < 0 ? null : rows[below];
      mark();
      // Near the edge of what is visible, show what follows.
      const at = below < 0 ? rows.length : below;
      for (const near of [rows[at - 2], rows[at + 1]]) near?.scrollIntoView({ block: "nearest" });
    }, { signal });
    addEventListener("pointerup", (event) => event.pointerId === start.pointerId && finish(true), { signal });
    addEventListener("pointercancel", (event) => event.pointerId === start.pointerId && finish(false), { signal });
    addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      finish(false);
    }, { signal });
    mark();
  }

  #reset() {
    const place = (row) => Number(row.dataset.defaultPlace);
    this.list.append(...this.rows.sort((one, other) => place(one) - place(other)));
    this.#number();
    this.#say("The networks are in their default order");
  }

  #moved(row) {
    this.#number();
    this.#say(`${row.dataset.name} moved to ${this.rows.indexOf(row) + 1} of ${this.rows.length}`);
  }

  #number() {
    for (const [index, row] of this.rows.entries()) {
      row.querySelector("[data-place] input").value = index + 1;
    }
    this.changed();
  }

  #say(words) {
    this.status.textContent = words;
  }
}

class Preview {
  #asked = null;
  #wait = 0;

  constructor(root, form) {
    this.form = form;
    this.url = root.dataset.preview;
    this.error = root.querySelector("[data-preview-error]");
    this.box = root.querySelector("[data-box]");
    this.frame = root.querySelector("iframe");
    this.buttons = [...root.querySelectorAll("[data-width]")];
    for (const button of this.buttons) {
      button.addEventListener("click", () => this.#widen(button));
    }
    this.frame.addEventListener("load", () => this.#drawn());
    root.hidden = false;
    new ResizeObserver(() => this.#fit()).observe(this.box);
    this.#show();
  }

  later() {
    clearTimeout(this.#wait);
    this.#wait = setTimeout(() => this.#show(), PAUSE_MS);
  }

  get #width() {
    return Number(this.buttons.find((button) => button.ariaPressed === "true").dataset.width);
  }

  async #show() {
    this.#asked?.abort();
    const { signal } = (this.#asked = new AbortController());
    try {
      const answer = await fetch(this.url, {
        method: "POST",
        body: new FormData(this.form),
        headers: { "X-Requested-With": "XMLHttpRequest" },
        signal,
      });
      if (!answer.ok) throw new Error(answer.statusText);
      const { page, errors } = await answer.json();
      if (page) this.#draw(page);
      this.#refuse(errors ?? []);
    } catch {
      if (signal.aborted) return;
      this.#refuse(["It could not be fetched. Your changes are still in the form; the next one tries again."]);
    }
  }

  #refuse(sentences) {
    this.error.replaceChildren(
      ...sentences.map((sentence) => {
        const line = document.createElement("p");
        line.textContent = sentence;
        return line;
      }),
    );
    if (sentences.length) {
      const line = document.createElement("p");
      line.textContent = "Shown below is what last worked.";
      this.error.append(line);
    }
  }

  #draw(page) {
    const next = new DOMParser().parseFromString(page, "text/html");
    // Nothing runs in the frame, and nothing leads out of it.
    for (const each of next.querySelectorAll("noscript")) each.remove();
    for (const link of next.querySelectorAll("a")) link.removeAttribute("href");
    const now = this.frame.contentDocument;
    if (!now?.querySelector("main")) {
      this.frame.srcdoc = `<!DOCTYPE html>${next.documentElement.outerHTML}`;
      return;
    }
    // Changed in place: it does not flicker, and what was opened stays open.
    const opened = [...now.querySelectorAll("details")].map((each) => each.open);
    for (const [index, each] of next.querySelectorAll("details").entries()) each.open = opened[index] ?? false;
    now.body.replaceWith(now.adoptNode(next.body));
    this.#drawn();
  }

  #drawn() {
    const main = this.frame.contentDocument?.querySelector("main");
    if (!main) return;
    this.#showButtons();
    this.observer?.disconnect();
    this.observer = new ResizeObserver(() => this.#fit());
    this.observer.observe(main);
    this.#fit();
  }

  // What share.js shows to readers: copying always, the share sheet where the device has one.
  #showButtons() {
    const { contentDocument } = this.frame;
    for (const button of contentDocument.querySelectorAll("[data-copy], [data-sheet]")) {
      button.tabIndex = -1;
      button.parentElement.hidden = "sheet" in button.dataset && this.#width > PHONE;
    }
  }

  #widen(chosen) {
    for (const button of this.buttons) button.ariaPressed = String(button === chosen);
    this.#showButtons();
    this.#fit();
  }

  #fit() {
    const main = this.frame.contentDocument?.querySelector("main");
    if (!main) return;
    const scale = Math.min(1, this.box.clientWidth / this.#width);
    this.frame.style.inlineSize = `${this.#width}px`;
    this.frame.style.transform = `scale(${scale})`;
    // The content's own height: the body is as high as the frame at least.
    const bar = main.querySelector(".share-call");
    const height = Math.ceil(bar.getBoundingClientRect().bottom) + 24;
    this.frame.style.blockSize = `${height}px`;
    this.box.style.blockSize = `${Math.ceil(height * scale)}px`;
  }
}

for (const root of document.querySelectorAll("[data-share-settings]")) {
  const form = root.closest("form");
  const preview = new Preview(root.querySelector("[data-preview]"), form);
  // Wagtail learns from the event that there is something to save.
  new NetworkList(root, () => form.dispatchEvent(new Event("change", { bubbles: true })));
  form.addEventListener("input", () => preview.later());
  form.addEventListener("change", () => preview.later());
}
