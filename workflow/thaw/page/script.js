// The page is complete without it: it adds sorting, folding and the place in the menu.
for (const table of document.querySelectorAll("table.sorted")) {
  table.querySelectorAll("th[data-sort]").forEach((head) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "descending";
      const place = [...head.parentNode.children].indexOf(head);
      const value = (row) => {
        const { value: text } = row.children[place].dataset;
        return isNaN(text) ? text : Number(text || "NaN");
      };
      const order = (one, other) => {
        const [a, b] = [value(one), value(other)];
        if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
        const ahead = typeof a === "number" ? b - a : String(a).localeCompare(b);
        return up ? ahead : -ahead;
      };
      table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "descending" : "ascending");
      const body = table.tBodies[0];
      body.append(...[...body.rows].sort(order));
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
