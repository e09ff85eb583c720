// Draws the figures, leads from a mark to the line of its row, and sorts and searches the tables.

const NARROW = 420; // pixels of a figure in which long labels would leave no room for the marks

function choose(part, row) {
  for (const element of document.querySelectorAll(".chosen")) element.classList.remove("chosen");
  const section = document.getElementById(part);
  for (const element of section.querySelectorAll(`tr[data-row="${row}"], li[data-row="${row}"]`)) {
    if (element.closest("section") === section) element.classList.add("chosen");
  }
  const line = document.getElementById(`${part}-row-${row}`);
  if (line) line.scrollIntoView({ block: "nearest" });
}

async function draw(figure) {
  const target = figure.querySelector(".drawing");
  const spec = JSON.parse(figure.querySelector(".spec").textContent);
  const width = target.clientWidth;
  if (width < NARROW) {
    spec.config.axis.labelLimit = width * 0.34;
    spec.config.text.fontSize = 10;
    spec.config.legend.columns = 1;
  }
  const options = { ast: true, actions: false, renderer: target.dataset.renderer, logLevel: 1 };
  const { view } = await window.vegaEmbed(target, spec, options);
  figure.view = view;
  view.addEventListener("click", (event, item) => {
    const row = item && item.datum ? item.datum.row : null;
    if (Number.isInteger(row)) choose(figure.dataset.part, row);
  });
  figure.classList.add("drawn");
}

function sortTable(table, column, header) {
  const isNumber = header.classList.contains("number");
  const descending = header.getAttribute("aria-sort")
    ? header.getAttribute("aria-sort") === "ascending"
    : isNumber;
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const body = table.tBodies[0];
  const key = (row) => {
    const { dataset, textContent } = row.cells[column];
    const text = dataset.value ?? textContent;
    return isNumber && text !== "" && !Number.isNaN(Number(text)) ? Number(text) : text;
  };
  const rows = [...body.rows].map((row, index) => ({ row, index, key: key(row) }));
  const compare = (a, b) => {
    if (a.key === "" || b.key === "") return (a.key === "") - (b.key === ""); // what is absent comes last
    const both = typeof a.key === "number" && typeof b.key === "number";
    const order = both ? a.key - b.key : String(a.key).localeCompare(String(b.key), "en", { numeric: true });
    return descending ? -order : order;
  };
  rows.sort((a, b) => compare(a, b) || a.index - b.index);
  body.append(...rows.map((entry) => entry.row));
}

function search(input) {
  const details = input.closest("details");
  const rows = [...details.querySelectorAll("tbody tr")];
  const wanted = input.value.trim().toLowerCase();
  for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  const shown = rows.filter((row) => !row.hidden).length;
  details.querySelector("output").textContent = `${shown} of ${rows.length}`;
}

for (const table of document.querySelectorAll("table")) {
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    header.querySelector("button").addEventListener("click", () => sortTable(table, column, header));
  });
}
for (const input of document.querySelectorAll("input[type=search]")) {
  input.addEventListener("input", () => search(input));
}
for (const link of document.querySelectorAll("td a[href^='#']")) {
  link.addEventListener("click", () => choose(link.closest("section").id, link.closest("tr").dataset.row));
}

let folded = [];
window.addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  for (const details of folded) details.open = true;
});
window.addEventListener("afterprint", () => {
  for (const details of folded) details.open = false;
});

const figures = [...document.querySelectorAll("figure")];
Promise.all(figures.map(draw)).then(
  () => { document.documentElement.dataset.state = "drawn"; },
  (error) => {
    document.documentElement.dataset.state = "failed";
    throw error;
  },
);
