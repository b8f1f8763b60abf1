// Marks, in the contents list, the section that is being read. Only the wide layout keeps the list in sight.

const links = new Map();
for (const link of document.querySelectorAll(".contents a")) {
  const section = document.getElementById(decodeURIComponent(link.hash.slice(1)));
  if (section) links.set(section, link);
}

// A section is read while it crosses a line a quarter down the window. Between two sections the last one stays.
const observer = new IntersectionObserver(
  (entries) => {
    const entered = entries.findLast((entry) => entry.isIntersecting);
    if (!entered) return;
    for (const [section, link] of links) {
      if (section === entered.target) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  },
  { rootMargin: "-25% 0px -75% 0px" },
);
for (const section of links.keys()) observer.observe(section);
