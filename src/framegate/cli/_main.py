"""The entry of the command line: it finds the command and turns every failure into one line and an exit status.

Exit status: 0 after a drain, 1 after a second signal or a failure, 2 for a usage or configuration error.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence

import click

from framegate import _build
from framegate._rules import nearest
from framegate._version import __version__
from framegate.cli._console import say
from framegate.cli._runner import loop_name
from framegate.cli.check import check
from framegate.cli.demo import demo
from framegate.cli.echo import echo
from framegate.cli.plugins import plugins
from framegate.cli.proxy import proxy
from framegate.cli.run import run
from framegate.cli.schema import schema
from framegate.errors import ConfigError, FramegateError

FAILURE = 1
USAGE = 2


class Commands(click.Group):
    """The commands by name; an unknown one is told the nearest."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            raise click.UsageError(f"no command {name!r}{nearest(name, self.commands)} (see framegate --help)")
        return super().resolve_command(ctx, args)


def version_line() -> str:
    build = _build.build_name() + ("" if _build.COMPILED else f" ({_build.REASON})")
    return f"framegate {__version__}, build {build}, Python {platform.python_version()}, loop {loop_name()}"


def _print_version(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(version_line())
        ctx.exit()


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Every flag is also in the environment: FRAMEGATE_LISTEN is --listen, and so on.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version, the build (compiled or pure), Python and the event loop.",
)
def framegate() -> None:
    """A programmable WebSocket reverse proxy."""


for _command in (demo, proxy, run, check, schema, plugins, echo):
    framegate.add_command(_command)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the words after ``framegate``; None takes those of the process.

    Returns:
        The exit status.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if not words:
        with framegate.make_context("framegate", ["--"]) as context:
            click.echo(framegate.get_help(context), err=True)
        return USAGE
    try:
        status = framegate.main(words, prog_name="framegate", standalone_mode=False)
    except click.ClickException as error:
        say(error.format_message())
        return error.exit_code
    except ConfigError as error:
        say(str(error))
        return USAGE
    except (FramegateError, OSError) as error:
        say(str(error))
        return FAILURE
    except click.Abort:
        return FAILURE
    return status if isinstance(status, int) else 0
