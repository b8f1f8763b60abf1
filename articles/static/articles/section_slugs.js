// Fills a section's slug from its heading, as Wagtail does for a page's own title and slug.
// A slug that an editor typed, or that was saved before, stays as it is.

const filled = new WeakMap();

const slugify = (heading) =>
  heading
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Number}_\s-]/gu, "")
    .trim()
    .replace(/[\s-]+/g, "-")
    .slice(0, 80)
    .replace(/^[-_]+|[-_]+$/g, "");

const slugFieldOf = (heading) => {
  const section = heading.closest("[data-contentpath='heading']")?.parentElement;
  return section?.querySelector(":scope > [data-contentpath='slug'] input") ?? null;
};

document.addEventListener("input", (event) => {
  const heading = event.target;
  if (!heading.matches?.(".section-block [data-contentpath='heading'] input")) return;
  const slug = slugFieldOf(heading);
  if (!slug || (slug.value !== "" && slug.value !== filled.get(slug))) return;
  slug.value = slugify(heading.value);
  filled.set(slug, slug.value);
  slug.dispatchEvent(new Event("change", { bubbles: true }));
});
