// The page is complete without it: it adds sorting, folding and the place in the menu.
for (const table of document.querySelectorAll("table.sorted")) {
  table.querySelectorAll("th[data-sort]").forEach((head) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const place = [...head.parentNode.children].indexOf(head);
      const text = (row) => row.children[place].dataset.value;
      const rows = [...table.tBodies[0].rows];
      // Numbers begin with the largest, words with A; what is not known comes last.
      const isWords = rows.some((row) => isNaN(text(row)));
      const before = head.getAttribute("aria-sort");
      const up = before ? before === "descending" : isWords;
      const [unknown, known] = [true, false].map((empty) =>
        rows.filter((row) => (text(row) === "") === empty),
      );
      known.sort((one, other) => {
        const [a, b] = [text(one), text(other)];
        if (a === b) return 0;
        const ahead = isWords ? a.localeCompare(b) : Number(a) - Number(b);
        return up ? ahead : -ahead;
      });
      table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      table.tBodies[0].append(...known, ...unknown);
    });
  });
}

const folded = [...document.querySelectorAll("main details")];
if (folded.length) {
  const button = document.createElement("button");
  button.type = "button";
  const label = () => {
    button.textContent = folded.every((one) => one.open) ? "Close all" : "Open all";
  };
  button.addEventListener("click", () => {
    const open = !folded.every((one) => one.open);
    folded.forEach((one) => (one.open = open));
    label();
  });
  label();
  document.querySelector("nav").append(button);
}

const links = new Map(
  [...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]),
);
const here = new IntersectionObserver(
  (entries) => {
    for (const entry of entries.filter((one) => one.isIntersecting)) {
      links.forEach((link) => link.removeAttribute("aria-current"));
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  },
  { rootMargin: "0px 0px -80% 0px" },
);
document.querySelectorAll("main > section[id]").forEach((one) => here.observe(one));
