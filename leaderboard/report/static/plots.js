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

function sides(point) {
  return `answers ${point.utility_text}, stolen images ${point.accuracy_text}`;
}

// What each kind of plot shows in a state of the filters, and how it is told to whoever does not see it.
const kinds = {
  trade_off: {
    points: (state) => {
      const words = (state.text ?? "").toLowerCase().split(/\s+/);
      return data.points.filter((point) => point.budget === plotBudget(state) && (point.control ||
        ((!state.family || point.family === state.family) &&
          (!state.status || rows[point.row].status === state.status) &&
          words.every((word) => rows[point.row].text.includes(word)))));
    },
    label: (points, state) => `Utility against security at ${queries(plotBudget(state))}. ` +
      points.map((point) => `${point.defense}: ${sides(point)}`).join("; "),
  },
  over_strength: {
    points: (state, family) =>
      data.points.filter((point) => point.budget === plotBudget(state) && point.family === family),
    label: (points, state, family) => `${family} at ${queries(plotBudget(state))}. ` +
      points.map((point) => `${point.strength}: ${sides(point)}`).join("; "),
  },
  over_budget: {
    points: (state, family) => data.points.filter((point) => point.control || point.family === family),
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
    if (this.drawn.theme === theme()) {
      await this.drawn.view.data("points", points).runAsync();
      return;
    }
    const spec = structuredClone(data.plots[this.holder.dataset.plot]);
    spec.datasets.points = points;
    // Interpreted expressions need no eval, which the page's policy forbids.
    const options = { renderer: "svg", actions: false, ast: true, config: data.themes[theme()] };
    this.drawn = { theme: theme() };
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

function showPlots(state) {
  for (const where of document.querySelectorAll(".at")) where.textContent = ` at ${queries(plotBudget(state))}`;
  const front = data.points.filter((point) => point.front && point.budget === plotBudget(state));
  front.sort((a, b) => a.utility - b.utility);
  document.getElementById("front").replaceChildren(...front.map((point) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = point.defense;
    button.addEventListener("click", () => openDetails(point.row));
    item.append(button, ` ${sides(point)}`);
    return item;
  }));
  for (const card of document.querySelectorAll(".card")) {
    card.hidden = Boolean(state.family) && card.dataset.family !== state.family;
    card.querySelector(".worth").textContent = data.worth[card.dataset.family]?.[plotBudget(state)] ?? "";
  }
  for (const plot of plots) plot.show(state);
}
