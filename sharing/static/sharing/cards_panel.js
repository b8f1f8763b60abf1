// Keep the editor's share cards up with the draft, and the sample with the colour that is being chosen.
// Without this script both show what was saved when the page was opened.

const POLL_MS = 3000;
const MOST_POLLS = 20;

for (const panel of document.querySelectorAll("[data-share-cards]")) {
  let polls = 0;
  let timer;

  const isBeingMade = () => panel.querySelector('[data-state="being_made"]') !== null;

  const pollLater = () => {
    clearTimeout(timer);
    if (isBeingMade() && polls < MOST_POLLS) {
      timer = setTimeout(() => {
        polls += 1;
        refresh();
      }, POLL_MS);
    }
  };

  const refresh = async () => {
    try {
      const answer = await fetch(panel.dataset.shareCards, { credentials: "same-origin" });
      // A log-in page answers 200 too, from another address.
      if (answer.ok && !answer.redirected) panel.innerHTML = await answer.text();
    } catch {
      // What is shown stays; the next save tries again.
    }
    pollLater();
  };

  document.addEventListener("w-autosave:success", () => {
    polls = 0;
    refresh();
  });
  pollLater();
}

for (const sample of document.querySelectorAll("[data-share-card-sample]")) {
  const input = document.querySelector('input[name="accent"]');
  const caption = document.querySelector("[data-share-card-caption]");
  const words = caption.textContent;
  input?.addEventListener("change", async () => {
    const address = `${sample.dataset.shareCardSample}?accent=${encodeURIComponent(input.value)}`;
    try {
      const answer = await fetch(address, { credentials: "same-origin" });
      if (answer.ok) sample.src = address;
      caption.textContent = answer.status === 400 ? await answer.text() : words;
    } catch {
      // The sample stays as it was.
    }
  });
}
