"""The command line. Thin: it reads flags, calls the harness, and says what came out.

What brings torch along is imported where it is used, so that ``--help`` answers at once.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback

import click

from benchmark.commands.plugins import check, new
from benchmark.commands.targets import train_target_command
from benchmark.commands.version import version
from benchmark.errors import BenchmarkError, UsageError, one_line
from leaderboard.commands.board import board, compare, report
from leaderboard.commands.listing import list_command
from leaderboard.commands.running import run, status, sweep
from leaderboard.commands.studies import adaptive, findings, transfer
from leaderboard.commands.submissions import enter, submit, verify

INTERRUPTED = 130
"""Exit status after Ctrl-C, by the shells' convention."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """A defense-first benchmark of model extraction from generative models."""


for command in (
    run,
    sweep,
    status,
    board,
    report,
    compare,
    train_target_command,
    transfer,
    findings,
    adaptive,
    check,
    new,
    submit,
    verify,
    enter,
    list_command,
    version,
):
    cli.add_command(command)


def main() -> None:
    """Entry point: every expected error is one line on the standard error stream and a non-zero exit."""
    # A plugin of one's own may be a module in the working directory, whichever way the program was started.
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    debug = False
    try:
        with cli.make_context("python -m benchmark", sys.argv[1:]) as context:
            debug = context.params["debug"]
            cli.invoke(context)
            sys.exit(0)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; what is finished is kept: repeat the command to resume", err=True)
        sys.exit(INTERRUPTED)
    except (click.ClickException, BenchmarkError, OSError, MemoryError) as error:
        if debug:
            traceback.print_exc()
        click.echo(f"error: {in_words(error)}", err=True)
        sys.exit(2 if isinstance(error, click.UsageError | UsageError) else 1)


def in_words(error: Exception) -> str:
    """What an error says to the user, in one line: of some of the system's, what to do too."""
    if isinstance(error, click.ClickException):
        return " ".join(error.format_message().split())
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"the disk is full ({error.filename or 'no file named'}); free some room, then run the same command"
    # What opens a URL says in its own words what is barred.
    if (
        isinstance(error, OSError)
        and error.filename
        and (isinstance(error, PermissionError) or error.errno == errno.EROFS)
    ):
        return (
            f"{error.filename} cannot be read or written ({error.strerror}); "
            "change its permissions, or give another with --results or --out"
        )
    return one_line(error)
