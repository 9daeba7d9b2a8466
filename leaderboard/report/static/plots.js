// The plots: drawn by Vega from the points that the filters leave, and drawn again when these or the theme change.

const data = JSON.parse(document.getElementById("board").textContent);
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

function theme() {
  return document.documentElement.dataset.theme;
}

function plotBudget(state) {
  return state.budget ? Number(state.budget) : data.budget;
}

function queries(budget) {
  return `${budget.toLocaleString("en")} queries`;
}

function figures(point) {
  return `gain ${point.gain_text}, cost ${point.cost_text}`;
}

function sides(point) {
  return `answers ${point.utility_text}, stolen images ${point.accuracy_text}`;
}

// Whether the filters that plots heed leave a point; those of attackers do not count, as each is of the strongest.
function passes(point, state) {
  const row = rows[point.row];
  return (!state.family || point.family === state.family) && (!state.status || row.status === state.status) &&
    (state.text ?? "").toLowerCase().split(/\s+/).every((word) => row.text.includes(word));
}

// Those of the plot of all, with gains and costs; the front is drawn through what is not shown, too.
function traded(state) {
  return data.points
    .filter((point) => point.budget === plotBudget(state) && point.gain !== null && point.cost !== null)
    .map((point) => ({ ...point, shown: point.control || passes(point, state) }));
}

// What each kind of plot shows in a state of the filters, and how it is told to whoever does not see it.
const kinds = {
  trade_off: {
    points: traded,
    label: (points, state) => `Utility against security at ${queries(plotBudget(state))}. ` +
      points.filter((point) => point.shown).map((point) => `${point.defense}: ${figures(point)}`).join("; "),
  },
  over_strength: {
    points: (state, family) =>
      data.points.filter((point) => point.budget === plotBudget(state) && point.family === family),
    label: (points, state, family) => `${family} at ${queries(plotBudget(state))}, from weak to strong. ` +
      points.map((point) => `${point.strength}: ${sides(point)}`).join("; "),
  },
  over_budget: {
    points: (state, family) => data.lines[family],
    label: (points, state, family) => `${family} by queries. ` +
      points.map((point) => `${point.defense}, ${queries(point.budget)}: stolen images ${point.accuracy_text}`).join("; "),
  },
};

class Plot {
  constructor(holder) {
    this.holder = holder;
    this.family = holder.closest("[data-family]")?.dataset.family;
    // The holder's label says all in one piece; Vega's own, mark by mark, would be read beside it.
    this.canvas = document.createElement("div");
    this.canvas.setAttribute("aria-hidden", "true");
    this.canvas.className = "canvas";
    holder.append(this.canvas);
    this.visible = false;
    this.wanted = null;
    this.drawn = {};
  }

  async draw() {
    if (!this.visible || !this.wanted) return;
    const state = this.wanted;
    this.wanted = null;
    const kind = kinds[this.holder.dataset.plot];
    const points = kind.points(state, this.family);
    this.holder.setAttribute("aria-label", kind.label(points, state, this.family));
    // Of each budget the trade-off has axes of its own.
    const own = this.family ? "" : plotBudget(state);
    if (this.drawn.theme === theme() && this.drawn.own === own) {
      await this.drawn.view.data("points", points).runAsync();
      return;
    }
    const plot = data.plots[this.holder.dataset.plot];
    const spec = structuredClone(this.family ? plot : plot[own]);
    spec.datasets.points = points;
    // Interpreted expressions need no eval, which the page's policy forbids.
    const options = { renderer: "svg", actions: false, ast: true, config: data.themes[theme()] };
    this.drawn.view?.finalize();
    this.drawn = { theme: theme(), own };
    const { view } = await vegaEmbed(this.canvas, spec, options);
    view.addEventListener("click", (event, item) => {
      if (item?.datum?.row !== undefined) openDetails(item.datum.row);
    });
    this.drawn.view = view;
  }

  show(state) {
    this.wanted = state;
    queue = queue.then(() => this.draw());
  }
}

// One after the other, so that none is drawn into while it is still being made.
let queue = Promise.resolve();

const plots = [...document.querySelectorAll(".plot")].map((holder) => new Plot(holder));
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const plot = plots.find((each) => each.holder === entry.target);
    plot.visible = entry.isIntersecting;
    queue = queue.then(() => plot.draw());
  }
}, { rootMargin: "200px" });

// A name that opens what there is to tell.
function opener(point) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = point.defense;
  button.addEventListener("click", () => openDetails(point.row));
  return button;
}

function showFront(state) {
  const found = traded(state).filter((point) => point.shown).sort((a, b) => a.cost - b.cost);
  document.getElementById("front").replaceChildren(...found.filter((point) => point.front).map((point) => {
    const item = document.createElement("li");
    item.append(opener(point), ` ${figures(point)}`);
    return item;
  }));
  // Of one seed there is no noise to be beyond.
  const close = found.filter((point) => !point.front && !point.beaten && point.seeds > 1);
  const names = close.flatMap((point, index) => [index ? ", " : "", opener(point)]);
  const unbeaten = document.getElementById("unbeaten");
  unbeaten.hidden = !close.length;
  unbeaten.replaceChildren("Not on the front, but not beaten beyond the noise: ", ...names);
}

function showCards(state) {
  const cards = [...document.querySelectorAll(".card")];
  for (const card of cards) {
    card.hidden = Boolean(state.family) && card.dataset.family !== state.family;
    card.querySelector(".worth").textContent = data.worth[card.dataset.family]?.[plotBudget(state)] ?? "";
  }
  const none = document.getElementById("no-curve");
  if (none) none.hidden = cards.some((card) => !card.hidden);
}

function showPlots(state) {
  for (const where of document.querySelectorAll(".at")) where.textContent = ` at ${queries(plotBudget(state))}`;
  showFront(state);
  showCards(state);
  for (const plot of plots) plot.show(state);
}
