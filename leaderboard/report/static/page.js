// What happens when: the fragment is the state, and everything shown follows from it.

const details = document.getElementById("details");
const themeButton = document.getElementById("theme");

function openDetails(row) {
  const content = document.getElementById(`row-${row}`).content.cloneNode(true);
  details.querySelector(".content").replaceChildren(content);
  details.showModal();
  details.scrollTop = 0;
}

function show() {
  const state = readState();
  showForm(state);
  showTable(state);
  showPlots(state);
}

// What filters do not change.
function keptInOrder() {
  const { sort, order, all } = readState();
  return { sort, order, all };
}

function showTheme(name) {
  document.documentElement.dataset.theme = name;
  themeButton.textContent = name === "dark" ? "Light theme" : "Dark theme";
  showPlots(readState());
}

form.addEventListener("input", () => {
  writeState({ ...Object.fromEntries(new FormData(form)), ...keptInOrder() });
  showTable(readState());
  showPlots(readState());
});
form.addEventListener("reset", (event) => {
  event.preventDefault();
  writeState(keptInOrder());
  show();
});
document.getElementById("rest").addEventListener("click", () => {
  writeState({ ...readState(), all: "1" });
  showTable(readState());
});
form.addEventListener("submit", (event) => event.preventDefault());

for (const heading of headings) {
  heading.querySelector("button").addEventListener("click", () => {
    writeState(sortBy(heading));
    showTable(readState());
  });
}
body.addEventListener("click", (event) => {
  const button = event.target.closest("button.more");
  if (button) openDetails(button.dataset.row);
});
details.addEventListener("click", (event) => {
  if (event.target === details) details.close();
});
themeButton.addEventListener("click", () => showTheme(theme() === "dark" ? "light" : "dark"));
prefersDark.addEventListener("change", () => showTheme(prefersDark.matches ? "dark" : "light"));
window.addEventListener("hashchange", show);
// The address is the state of the filters, which a jump within the page would replace.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  const table = document.getElementById("table-scroll");
  table.scrollIntoView();
  table.focus();
});
// On a phone the plot comes first; filters that a link brings stand open.
if (matchMedia("(max-width: 40rem)").matches) {
  document.getElementById("fold").open = location.hash.length > 1;
}

document.documentElement.dataset.theme = prefersDark.matches ? "dark" : "light";
themeButton.textContent = prefersDark.matches ? "Light theme" : "Dark theme";
for (const plot of plots) watcher.observe(plot.holder);
show();
