// Opens the editor at the block that the address names. Wagtail scrolls there too, but once and before
// the rich text editors above the block have their height, so it ends up pages away.

const PATIENCE_MS = 3000;

const target = () => {
  const { hash } = window.location;
  return hash.startsWith("#block-") ? document.getElementById(hash.slice(1)) : null;
};

const follow = () => {
  const block = target();
  if (!block) return;
  const scroll = () => block.scrollIntoView({ behavior: "instant", block: "start" });
  const observer = new ResizeObserver(scroll);
  const stop = () => observer.disconnect();
  // Each height that changes above moves the block; a person who scrolls wants to be elsewhere.
  observer.observe(document.querySelector("form[data-edit-form]") ?? document.body);
  for (const moved of ["wheel", "keydown", "pointerdown", "touchmove"]) {
    window.addEventListener(moved, stop, { once: true, passive: true });
  }
  window.setTimeout(() => {
    scroll();
    stop();
  }, PATIENCE_MS);
  scroll();
  block.querySelector("input:not([type='hidden'])")?.focus({ preventScroll: true });
};

if (document.readyState === "complete") follow();
else window.addEventListener("load", follow);
