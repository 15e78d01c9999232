"""`pocketcoder sandbox`: what the box of a workspace is made of, and a shell of one's own in it.

What was chosen is kept in the configuration folder, never in the workspace. A box is made anew when
its image is another one: at the next start of a workbench, and what ran in it ends.
"""

import asyncio
import sys
from dataclasses import replace

from rich.filesize import decimal

from pocketcoder_tui.cli.arguments import Arguments
from pocketcoder_tui.cli.output import ask, follow, is_terminal, say
from pocketcoder_tui.cli.start import NoTerminal
from pocketcoder_tui.config import boxes
from pocketcoder_tui.config.boxes import BoxChoices
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.config.settings import load_settings
from pocketcoder_tui.core.errors import ConfigError, SandboxError
from pocketcoder_tui.engine.recipes import recipe_of

ANEW = "The box is made from it at the next start of a workbench here; what runs in it ends then."
SHELL = ("bash", "-l")


def run(args: Arguments, paths: Paths) -> int:
    """Do what was asked. Raises ConfigError, WorkspaceError, SandboxError, NobodyToAsk."""
    match args.action:
        case "build":
            return build(paths)
        case "shell":
            return shell(paths)
        case "packages":
            return packages(args, paths)
        case "use":
            return use(args, paths)
        case _:
            return show(paths)


def show(paths: Paths) -> int:
    """Print what the box is made of."""
    from pocketcoder_tui.sandbox.image import image_size, image_tag

    recipe = recipe_of(load_settings(paths), paths)
    size = asyncio.run(image_size(recipe))
    say(f"made from  {recipe.base}", f"packages   {_listed(recipe.packages)}")
    say(
        f"image      {image_tag(recipe)}",
        f"size       {decimal(size) if size else 'not built yet'}",
    )
    return 0


def build(paths: Paths) -> int:
    """Build the image anew, and say how large it is."""
    from pocketcoder_tui.sandbox.image import build_image, image_size

    recipe = recipe_of(load_settings(paths), paths)
    asyncio.run(follow(build_image(recipe, fresh=True)))
    say(f"The image has {decimal(asyncio.run(image_size(recipe)))}.", ANEW)
    return 0


def shell(paths: Paths) -> int:
    """A shell in the workspace's box, which is started if it does not run; its exit status."""
    if not (is_terminal() and is_terminal(sys.stdin)):
        raise NoTerminal("A shell needs a terminal for its input and its output.")
    from pocketcoder_tui.sandbox.attach import attach

    container, user = asyncio.run(_started(paths))
    return attach(container, SHELL, user=user)


def packages(args: Arguments, paths: Paths) -> int:
    """List the packages, or change them and build the image; a build that fails changes nothing."""
    has = boxes.read(paths.box_choices)
    names = [boxes.check_package(name) for name in args.words]
    if args.text == "list":
        say(_listed(has.packages))
        return 0
    if not names:
        raise ConfigError(f"Which packages? pocketcoder sandbox packages {args.text} NAME…")
    if args.text == "add":
        wanted = {*has.packages, *names}
    else:
        if strange := set(names) - set(has.packages):
            raise ConfigError(f"Not among them: {_listed(sorted(strange))}.")
        wanted = set(has.packages) - set(names)
    if len(wanted) > boxes.MOST_PACKAGES:
        raise ConfigError(f"More than {boxes.MOST_PACKAGES} packages are not kept.")
    return _change(args, paths, replace(has, packages=tuple(sorted(wanted))))


def use(args: Arguments, paths: Paths) -> int:
    """Choose the image that the box is made from."""
    has = boxes.read(paths.box_choices)
    if args.all:
        from pocketcoder_tui.sandbox.devcontainer import proposal_of

        found = proposal_of(paths.workspace)
        image = boxes.check_image(found.image)
        say(f"{found.file} names the image {image}.")
        if found.left_out:
            say(f"Not taken from there: {', '.join(found.left_out)}.")
    else:
        image = "" if args.below else boxes.check_image(args.name)
    return _change(args, paths, replace(has, image=image))


def _change(args: Arguments, paths: Paths, wanted: BoxChoices) -> int:
    """Build the image of these choices, then keep them."""
    from pocketcoder_tui.sandbox.image import Recipe, build_image, image_size

    settings = load_settings(paths)
    recipe = Recipe(wanted.image or settings.image, wanted.packages)
    if wanted == boxes.read(paths.box_choices) and asyncio.run(image_size(recipe)):
        say("It is so already.")
        return 0
    say(f"made from  {recipe.base}", f"packages   {_listed(recipe.packages)}")
    if not args.yes and not ask("Build this image? Programs of its packages run during the build."):
        say("Nothing was changed.")
        return 1
    asyncio.run(follow(build_image(recipe)))
    boxes.keep(paths.box_choices, wanted)
    say(f"The image has {decimal(asyncio.run(image_size(recipe)))}.", ANEW)
    return 0


async def _started(paths: Paths) -> tuple[str, str]:
    from pocketcoder_tui.cli.down import find_box
    from pocketcoder_tui.engine.assembly import make_sandbox
    from pocketcoder_tui.engine.options import Options

    box = await find_box(paths)
    if box is not None and box.status == "running":
        return box.id, ""
    paths.prepare()
    async with make_sandbox(Options(paths, load_settings(paths))) as sandbox:
        try:
            made = await sandbox.ensure()
        except SandboxError as error:
            raise type(error)(error.sentence, hint=error.hint or "pocketcoder doctor") from error
        return made.id, made.user


def _listed(names: "tuple[str, ...] | list[str]") -> str:
    return ", ".join(names) or "none beside those that every box has"
