"""Two defenses side by side on a terminal, with the differences of their figures, paired by seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmark.errors import UsageError, unknown
from benchmark.record import Record
from leaderboard.cells import BySeed, cells, comparable, figures, shared, strongest
from leaderboard.intervals import Interval, paired, t_interval
from leaderboard.numbers import mean_and_half
from leaderboard.own_metrics import OwnMetric, own_metrics
from leaderboard.statistics import Verdict, verdicts
from leaderboard.terminal import SECURITY, UTILITY, good


@dataclass(frozen=True)
class Line:
    """One figure of both defenses."""

    title: str
    good: str
    """"low" or "high", for whoever defends."""
    first: Interval | None
    second: Interval | None
    difference: Interval | None
    """Second less first, over the seeds of both; None if they share none."""

    @property
    def better(self) -> int | None:
        """0 or 1 for whichever is better beyond the noise: the interval of the difference lies on one side of 0.

        None where it does not, or where one shared seed leaves no interval.
        """
        if self.difference is None or not (self.difference.low > 0 or self.difference.high < 0):
            return None
        return int((self.difference.low > 0) == (self.good == "high"))


@dataclass(frozen=True)
class Block:
    """What one attack made of both, or what users get of them."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Comparison:
    """Both defenses on one budget of one board."""

    track: str
    setting: str
    budget: int
    samples: int
    features: str
    blocks: tuple[Block, ...]
    judged: tuple[Verdict | None, Verdict | None]
    """The verdict on either; None where nobody attacked it within the budget."""


def compare(records: Iterable[Record], first: str, second: str) -> list[Comparison]:
    """Two defenses on every budget and board that has both, by track and budget.

    Args:
        records: quick ones are left out.
        first: spec of a defense, in its one spelling.
        second: likewise.

    Raises:
        UsageError: there are no records, none is of one of them, or none are of both on the same board and budget.
    """
    entered = comparable(records)
    places = cells(entered).attacks
    if not places:
        raise UsageError("there are no records yet (quick ones aside): run or sweep first")
    known = {defense for _, defense, _ in places}
    for defense in (first, second):
        if defense not in known:
            raise unknown("defense among the records", defense, known)
    judged = {(each.setting, each.defense, each.budget): each for each in verdicts(entered)}
    found = [
        _comparison(
            budget,
            setting,
            attacks,
            places[setting, second, budget],
            (judged.get((setting, first, budget)), judged.get((setting, second, budget))),
        )
        for (setting, defense, budget), attacks in places.items()
        if defense == first and (setting, second, budget) in places
    ]
    if not found:
        raise UsageError(
            f"{first} and {second} have no budget in common on any board; run both with the same --track and --budget"
        )
    return sorted(found, key=lambda each: (each.track, each.setting, each.budget))


def show(comparisons: Iterable[Comparison], first: str, second: str) -> None:
    """Print one table per comparison, and below it who judged either and what to know before trusting that."""
    console = Console()
    # Names of plugins are text, and no markup of rich's.
    console.print(Text(f"A: {first}\nB: {second}\n"))
    for comparison in comparisons:
        console.print(_table(comparison))
        for name, verdict in zip("AB", comparison.judged, strict=True):
            if verdict:
                told = f"the strongest attacker was {verdict.strongest}, who knew: {verdict.knowledge}"
                console.print(*(Text(f"{name}: {each}") for each in (told, *verdict.flags)), "", sep="\n")
    console.print(
        "gain, cost: relative to the undefended target; gains by the attacks that both faced\n"
        "±: half the 95% interval (Student's t) over seeds, of B - A paired by seed\n"
        "last column: the better defense (↑ high is good, ↓ low is),\n"
        "if the interval of B - A excludes 0",
        highlight=False,
    )


def _comparison(
    budget: int,
    setting: str,
    first: Mapping[str, BySeed],
    second: Mapping[str, BySeed],
    judged: tuple[Verdict | None, Verdict | None],
) -> Comparison:
    record = next(iter(next(iter(first.values())).values()))
    both = (each for attacks in (first, second) for records in attacks.values() for each in records.values())
    own = own_metrics(both)
    security = partial(_block, own, SECURITY, ("fidelity", "accuracy"))
    blocks = [*_judgement(*judged)]
    blocks.append(_block(own, UTILITY, ("utility",), "what users get", _of_users(first), _of_users(second)))
    ours, theirs = strongest(shared(first, second)), strongest(shared(second, first))
    if ours and theirs:
        blocks.append(security("stolen by the strongest shared", ours, theirs))
    blocks += [security(f"stolen by {attack}", first[attack], second[attack]) for attack in first if attack in second]
    return Comparison(record.track, setting, budget, record.samples, record.features, tuple(blocks), judged)


def _judgement(first: Verdict | None, second: Verdict | None) -> Iterator[Block]:
    """What both are judged by, if it is known of both."""
    lines = []
    for name, title, way in (("security_gain", "security gain", "high"), ("utility_cost", "utility cost", "low")):
        ours, theirs = (verdict.each_seed(name) if verdict else {} for verdict in (first, second))
        if ours and theirs:
            means = [t_interval(values.values()) for values in (ours, theirs)]
            lines.append(Line(title, way, means[0], means[1], paired(theirs, ours)))
    if lines:
        yield Block("the judgement", tuple(lines))


def _of_users(attacks: Mapping[str, BySeed]) -> dict[int, Record]:
    """A record of each seed: users get the same whoever attacks."""
    found: dict[int, Record] = {}
    for records in attacks.values():
        found = {**records, **found}
    return found


def _block(
    own: Sequence[OwnMetric],
    names: Mapping[str, str],
    sides: Sequence[str],
    title: str,
    first: BySeed,
    second: BySeed,
) -> Block:
    titles = {name: text for metric in own for name, text in metric.titles(*sides).items()}
    closer = {metric.name: metric.closer for metric in own}
    lines = []
    for name, text in {**names, **titles}.items():
        ours, theirs = figures(first, name), figures(second, name)
        if ours or theirs:
            means = [t_interval(values.values()) if values else None for values in (ours, theirs)]
            lines.append(Line(text, good(name, closer), means[0], means[1], paired(theirs, ours)))
    return Block(title, tuple(lines))


LABEL = 30
"""Characters of the first column; a longer name wraps."""


def _table(comparison: Comparison) -> Table:
    title = f"{comparison.track}, {comparison.budget:,} queries, {comparison.samples:,} images, {comparison.features}"
    grid = Table(
        title=Text(title),
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        title_justify="left",
    )
    # Of a width of its own, so that numbers give way first on a narrow terminal: they wrap before their ±.
    grid.add_column("figure", width=LABEL)
    for heading in ("A", "B", "B - A"):
        grid.add_column(heading, justify="right")
    grid.add_column("")
    for block_number, block in enumerate(comparison.blocks):
        if block_number:
            grid.add_section()
        grid.add_row(Text(block.title))
        for line in block.lines:
            better = "" if line.better is None else "AB"[line.better]
            label = f" {line.title} {'↑' if line.good == 'high' else '↓'}"
            difference = f"{'+' if line.difference and line.difference.value > 0 else ''}{_text(line.difference)}"
            grid.add_row(Text(label), _text(line.first), _text(line.second), difference, better)
    return grid


def _text(interval: Interval | None) -> str:
    """A mean and its interval, which wraps between the two where the terminal is narrow."""
    if interval is None:
        return ""
    mean, half = mean_and_half(interval)
    return f"{mean} ±{half}" if half else mean
