"""What keeps a board that is shipped: small sample sheets beside its records, and its picture.

python -m leaderboard.report sheets results/sheets
python -m leaderboard.report picture docs/board.png
"""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

import click
from PIL import Image

from benchmark.files import replacing
from benchmark.record import Record, load_records
from leaderboard.entries import load_entries
from leaderboard.report import write_report
from leaderboard.report.board import boards
from leaderboard.report.sheets import SMALL, small_sheet

WIDTH, HEIGHT, SCALE = 1200, 900, 2
"""Of the picture: what of the page is seen, in the page's pixels, and pixels of the picture per such pixel."""

COLOURS = 256
"""Of the picture, which has few: a quarter of the bytes."""

folder_option = click.option(
    "--board",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("leaderboard"),
    help="Folder with records/ and sheets/ (default: leaderboard).",
)


@click.group()
def cli() -> None:
    """Keep a board that is shipped."""


@cli.command()
@folder_option
@click.argument("made", type=click.Path(path_type=Path, exists=True, file_okay=False))
def sheets(board: Path, made: Path) -> None:
    """Keep, small and beside the records, the sample sheets that a run or a sweep has left in the folder MADE."""
    for path in keep_sheets(board, made):
        click.echo(f"sheet: {path}")


@cli.command()
@folder_option
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
def picture(board: Path, out: Path) -> None:
    """Draw the top of the board's page as it opens, as a PNG; needs the extra `browser` and chromium."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        html = Path(folder) / "board.html"
        pages = write_report(
            _records(board),
            lambda record: board / "sheets" / f"{record}.png",
            html,
            entries=load_entries(board / "entries", click.echo),
        )
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SCALE, color_scheme="light"
        )
        page.goto(pages[0].as_uri())
        page.locator("[data-plot=trade_off] svg").wait_for()
        seen = page.screenshot()
        browser.close()
    with Image.open(io.BytesIO(seen)) as image, replacing(out) as temporary:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(temporary, "PNG", optimize=True)


def keep_sheets(board: Path, made: Path) -> list[Path]:
    """Keep one sheet for each row of a board that has none yet: of its first seed that has one.

    Args:
        board: folder with ``records``; ``sheets`` beside them receives the sheets.
        made: folder with sheets as a run leaves them.

    Returns:
        What was written.
    """
    written = []
    for row in (row for each in boards(_records(board)) for row in each.rows):
        kept = [board / "sheets" / f"{record}{SMALL}" for record in row.records]
        if any(path.exists() for path in kept):
            continue
        for path in kept:
            if sheet := small_sheet(made / f"{path.stem}.png", real=False):
                with replacing(path) as temporary:
                    temporary.write_bytes(sheet)
                written.append(path)
                break
    return written


def _records(board: Path) -> list[Record]:
    records = load_records(board / "records", click.echo)
    if not records:
        raise click.UsageError(f"there are no records in {board / 'records'}")
    return records


if __name__ == "__main__":
    cli()
