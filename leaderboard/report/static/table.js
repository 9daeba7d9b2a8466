// The table: which rows stand in it, and in which order. The state is the address's fragment.

const form = document.getElementById("filters");
const body = document.querySelector("#table tbody");
const headings = [...document.querySelectorAll("#table th[data-column]")];
const inOrder = new Intl.Collator("en", { numeric: true });

const rows = [...body.rows].map((element, index) => ({
  element,
  index,
  family: element.dataset.family,
  attack: element.dataset.attack,
  budget: element.dataset.budget,
  strongest: element.dataset.strongest ?? "",
  text: element.textContent.toLowerCase(),
  values: [...element.cells].map((cell) => cell.dataset.value ?? ""),
}));

function readState() {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

function writeState(state) {
  const kept = Object.entries(state).filter(([, value]) => value);
  history.replaceState(null, "", `#${new URLSearchParams(kept)}`);
}

function matches(row, state) {
  const exact = ["family", "attack", "budget", "strongest"];
  return exact.every((name) => !state[name] || row[name] === state[name]) &&
    (state.text ?? "").toLowerCase().split(/\s+/).every((word) => row.text.includes(word));
}

// What is missing comes last, whichever way the rest is sorted.
function compare(column, isNumber, sign) {
  return (a, b) => {
    const [x, y] = [a.values[column], b.values[column]];
    if (x === "" || y === "") return (x === "") - (y === "") || a.index - b.index;
    return sign * (isNumber ? x - y : inOrder.compare(x, y)) || a.index - b.index;
  };
}

function sorted(state) {
  const column = headings.findIndex((heading) => heading.dataset.column === state.sort);
  if (column < 0) return rows;
  const isNumber = headings[column].classList.contains("number");
  return [...rows].sort(compare(column, isNumber, state.order === "descending" ? -1 : 1));
}

function showTable(state) {
  let count = 0;
  for (const row of rows) {
    row.element.hidden = !matches(row, state);
    count += !row.element.hidden;
  }
  body.replaceChildren(...sorted(state).map((row) => row.element));
  for (const heading of headings) {
    if (heading.dataset.column === state.sort) heading.setAttribute("aria-sort", state.order ?? "ascending");
    else heading.removeAttribute("aria-sort");
  }
  document.getElementById("count").textContent =
    count === rows.length ? `${count} rows` : `${count} of ${rows.length} rows`;
  document.getElementById("nothing").hidden = count > 0;
}

function showForm(state) {
  for (const field of form.elements) {
    if (!field.name) continue;
    if (field.type === "checkbox") field.checked = state[field.name] === field.value;
    else field.value = state[field.name] ?? "";
  }
}

function sortBy(heading) {
  const state = readState();
  const ascending = state.sort === heading.dataset.column ? state.order === "descending" : !heading.classList.contains("number");
  return { ...state, sort: heading.dataset.column, order: ascending ? "ascending" : "descending" };
}
