// The table: which rows stand in it, and in which order. The state is the address's fragment.

const form = document.getElementById("filters");
const body = document.querySelector("#table tbody");
const headings = [...document.querySelectorAll("#table th[data-column]")];

const rows = [...body.rows].map((element, index) => ({
  element,
  index,
  family: element.dataset.family,
  attack: element.dataset.attack,
  budget: element.dataset.budget,
  knowledge: element.dataset.knowledge,
  strongest: element.dataset.strongest ?? "",
  status: element.dataset.status ?? "",
  text: element.textContent.toLowerCase(),
  values: [...element.cells].map((cell) => cell.dataset.value ?? ""),
}));

// A link may be mistyped, or older than the board: what it chooses must be among the choices.
function readState() {
  const state = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  for (const field of form.querySelectorAll("select")) {
    if (![...field.options].some((option) => option.value === state[field.name])) delete state[field.name];
  }
  return state;
}

function writeState(state) {
  const kept = Object.entries(state).filter(([, value]) => value);
  history.replaceState(null, "", `#${new URLSearchParams(kept)}`);
}

function matches(row, state) {
  const exact = ["family", "attack", "budget", "knowledge", "status", "strongest"];
  return exact.every((name) => !state[name] || row[name] === state[name]) &&
    (state.text ?? "").toLowerCase().split(/\s+/).every((word) => row.text.includes(word));
}

// What is missing comes last, whichever way the rest is sorted.
function compare(column, sign) {
  return (a, b) => {
    const [x, y] = [a.values[column], b.values[column]];
    if (x === "" || y === "") return (x === "") - (y === "") || a.index - b.index;
    return sign * (x - y) || a.index - b.index;
  };
}

function sorted(state) {
  const column = headings.findIndex((heading) => heading.dataset.column === state.sort);
  if (column < 0) return rows;
  return [...rows].sort(compare(column, state.order === "descending" ? -1 : 1));
}

// Rows beyond the first hundred wait for their button: the browser lays out what is shown anew at every change.
const FIRST = 100;

function showTable(state) {
  const inTurn = sorted(state);
  const found = inTurn.filter((row) => matches(row, state));
  const shown = new Set(state.all ? found : found.slice(0, FIRST));
  for (const row of rows) row.element.hidden = !shown.has(row);
  body.replaceChildren(...inTurn.map((row) => row.element));
  for (const heading of headings) {
    if (heading.dataset.column === state.sort) {
      heading.setAttribute("aria-sort", state.order === "descending" ? "descending" : "ascending");
    } else heading.removeAttribute("aria-sort");
  }
  document.getElementById("count").textContent =
    found.length === rows.length ? `${found.length} rows` : `${found.length} of ${rows.length} rows`;
  document.getElementById("scope").hidden = !(state.attack || state.knowledge || state.strongest);
  document.getElementById("nothing").hidden = found.length > 0;
  document.getElementById("rest").hidden = shown.size === found.length;
  document.getElementById("rest").textContent = `Show all ${found.length} rows`;
}

function showForm(state) {
  for (const field of form.elements) {
    if (!field.name) continue;
    if (field.type === "checkbox") field.checked = state[field.name] === field.value;
    else field.value = state[field.name] ?? "";
  }
}

// Figures from the greatest, names from the first; then the other way.
function sortBy(heading) {
  const state = readState();
  const ascending = state.sort === heading.dataset.column ? state.order === "descending" : !heading.classList.contains("number");
  return { ...state, sort: heading.dataset.column, order: ascending ? "ascending" : "descending" };
}
