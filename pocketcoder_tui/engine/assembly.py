"""The one place that picks concrete classes and joins them into a workbench."""

import asyncio
import contextlib
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.config.pricing import load_prices
from pocketcoder_tui.config.secrets import box_seal, proxy_addresses
from pocketcoder_tui.config.settings import MOUNT_AUTO, MOUNT_COPY, NETWORK_ASK, Settings
from pocketcoder_tui.control import ControlServer
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.keys import KeptKey
from pocketcoder_tui.core.masking import Masker, secrets_in
from pocketcoder_tui.core.network import Doorkeeper, Gateway
from pocketcoder_tui.core.ports import Box, Ledger
from pocketcoder_tui.core.prices import PriceTable
from pocketcoder_tui.core.terminal import Terminal
from pocketcoder_tui.engine.boxkeeper import BoxKeeper
from pocketcoder_tui.engine.catalogue import choose
from pocketcoder_tui.engine.copies import WorkspaceCopies
from pocketcoder_tui.engine.covering import CoverTeller, hiding_of
from pocketcoder_tui.engine.crew import Crew
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.keybook import Door
from pocketcoder_tui.engine.limits import Bounds
from pocketcoder_tui.engine.login import login
from pocketcoder_tui.engine.mirror import MirrorWorkbench
from pocketcoder_tui.engine.options import Options
from pocketcoder_tui.engine.outputs import Outputs
from pocketcoder_tui.engine.recipes import recipe_of
from pocketcoder_tui.engine.session import Session
from pocketcoder_tui.engine.setup import Setup
from pocketcoder_tui.engine.terms import Terms
from pocketcoder_tui.engine.voice import Voice
from pocketcoder_tui.engine.workbench import Workbench
from pocketcoder_tui.reasoning.providers import split_name

if TYPE_CHECKING:
    from pocketcoder_tui.engine.keeping import Keeping
    from pocketcoder_tui.relay.terminal import TmuxTerminal
    from pocketcoder_tui.sandbox.container import DockerSandbox

log = logging.getLogger(__name__)


async def make_workbench(options: Options) -> Session:
    """Open the ledger and a session in it. The folders are there and checked (cli.start).

    Raises ConfigError or LedgerError; nothing stays open then.
    """
    from pocketcoder_tui.engine.keeping import KeeperProcess
    from pocketcoder_tui.ledger import SqliteLedger

    ledger = await SqliteLedger.open(options.paths.ledger, login=login())
    try:
        journal = await _open_journal(ledger, options)
        voice = Voice(options)
        await asyncio.to_thread(voice.begin, journal)
    except BaseException:
        await ledger.aclose()
        raise
    settings = options.settings
    masker = Masker(secrets_of(settings))
    outputs = Outputs(options.paths.outputs, size_bytes(settings.output_kept))
    open_terminal = _open_terminal(settings.output_limit, masker, outputs)

    def make_keeper(journal: Journal, crew: Crew) -> BoxKeeper:
        def tell(notice: ev.Noticed) -> None:
            crew.start(journal.tell(notice), "what is hidden")

        return BoxKeeper(LazySandbox(options, tell), open_terminal, journal, crew)

    prices = load_prices(options.paths.config)
    kept = KeeperProcess(make_keeping(options)) if settings.checkpoints else None
    copies = make_copies(options) if settings.checkpoints else None
    return Session(
        journal,
        ledger,
        voice=voice,
        setup=Setup(settings, options.paths),
        make_keeper=make_keeper,
        attach=_attach_to_box,
        terms=Terms(
            masker,
            outputs,
            settings.command_limit,
            settings.output_days,
            kept,
            copies,
            partial(ControlServer, options.paths.control),
            settings.output_limit,
            partial(_make_door, options) if settings.ssh and not is_carried(settings) else None,
            _open_gateway if settings.network == NETWORK_ASK else None,
            settings.context_tokens,
            partial(price_words, prices),
            Bounds(steps=settings.turn_steps, dollars=settings.session_budget, prices=prices),
        ),
    )


def price_words(prices: PriceTable, name: str) -> str:
    """What is known today of a model's price; empty without."""
    provider, own = split_name(name)
    price = prices.find(provider, own, time.time())
    return price.words if price is not None else ""


async def _open_gateway(box: Box, doorkeeper: Doorkeeper) -> Gateway:
    from pocketcoder_tui.sandbox.egress import open_gateway

    return await open_gateway(box, doorkeeper)


def _make_door(
    options: Options, box: Callable[[], Box | None], came_in: Callable[[KeptKey], None]
) -> Door:
    """The way in over SSH. Touches nothing yet."""
    from pocketcoder_tui.sandbox.box import DockerBox
    from pocketcoder_tui.sandbox.hatch import Hatch
    from pocketcoder_tui.sandbox.ssh import SshDoor

    def docker_box() -> DockerBox | None:
        running = box()
        return running if isinstance(running, DockerBox) else None

    paths = options.paths
    return SshDoor(
        options.settings.ssh_port,
        hatch=Hatch(paths.hatch),
        key_file=paths.ssh_host_key,
        box=docker_box,
        came_in=came_in,
    )


def make_mirror(paths: Paths) -> Workbench:
    """What only looks at the session that another process works in. Touches nothing yet."""
    return MirrorWorkbench(paths.control)


def make_copies(options: Options) -> WorkspaceCopies:
    """What makes throw-away copies, within the settings. Touches nothing yet."""
    from pocketcoder_tui.sandbox.checkpoints import Limits

    settings, paths = options.settings, options.paths
    return WorkspaceCopies(
        paths.trials,
        paths.workspace,
        paths.checkpoints,
        limits=Limits(size_bytes(settings.checkpoint_file), size_bytes(settings.try_space)),
        make_sandbox=lambda place: make_sandbox(options, copy=place),
        seconds=settings.try_limit,
        space=size_bytes(settings.try_space),
    )


def make_keeping(options: Options) -> "Keeping":
    """What is kept of the workspace, within the settings. Touches nothing."""
    from pocketcoder_tui.engine.keeping import Keeping
    from pocketcoder_tui.sandbox.checkpoints import Limits

    settings, paths = options.settings, options.paths
    limits = Limits(size_bytes(settings.checkpoint_file), size_bytes(settings.checkpoint_space))
    return Keeping(paths.workspace, paths.checkpoints, limits, settings.checkpoint_days)


def secrets_of(settings: Settings) -> list[str]:
    """What must never be shown, stored or sent."""
    kept = (
        settings.gemini_api_key,
        settings.openai_api_key,
        settings.anthropic_api_key,
        settings.local_secret,
    )
    addresses = (
        settings.gemini_base_url,
        settings.openai_base_url,
        settings.anthropic_base_url,
        *proxy_addresses(),
    )
    return [
        *(secret.get_secret_value() for secret in kept if secret is not None),
        *(word for address in addresses for word in secrets_in(address)),
    ]


def attach(container: str, user: str) -> int:
    """Blocking: hand this process's terminal to the box's tmux. Raises SandboxError.

    ``user`` is ``uid:gid``; empty for the one that the container was made with.
    """
    from pocketcoder_tui.relay.server import attach_argv
    from pocketcoder_tui.sandbox.attach import attach as attach_to

    return attach_to(container, attach_argv(), user=user)


def _attach_to_box(box: Box) -> int:
    return attach(box.id, box.user)


class LazySandbox:
    """The real sandbox, loaded when the box is first wanted: nothing slow precedes the screen."""

    def __init__(
        self, options: Options, tell: Callable[[ev.Noticed], None] = lambda notice: None
    ) -> None:
        """``tell`` shows the person a sentence."""
        self._options = options
        self._teller = CoverTeller(tell)
        self._sandbox: DockerSandbox | None = None

    async def ensure(self) -> Box:
        """See boxkeeper.Sandbox."""
        if self._sandbox is None:
            self._sandbox = await asyncio.to_thread(make_sandbox, self._options)
            await self._reap()
        box = await self._sandbox.ensure()
        self._teller.started(self._sandbox.covered)
        return box

    def recheck(self) -> None:
        """See boxkeeper.Sandbox."""
        if self._sandbox is not None:
            self._teller.replaced(self._sandbox.replaced())

    async def carry(self, box: Box) -> None:
        """See boxkeeper.Sandbox."""
        if self._sandbox is not None:
            self._teller.carried(await self._sandbox.carry(box))

    async def _reap(self) -> None:
        """Once a session, remove boxes whose folder is gone; a failure is no reason to stop."""
        from pocketcoder_tui.sandbox.labels import reap_orphans

        try:
            reaped = await reap_orphans()
        except SandboxError as error:
            log.warning("orphaned boxes were not looked for: %s", error.sentence)
            return
        for box in reaped:
            log.warning("removed %s: its folder %s is gone", box.name, box.workspace)

    async def aclose(self) -> None:
        """See boxkeeper.Sandbox."""
        if self._sandbox is not None:
            await self._sandbox.aclose()


def make_sandbox(options: Options, copy: Path | None = None) -> "DockerSandbox":
    """The sandbox of a workspace, with the limits of the settings. Does not start it.

    ``copy``: a throw-away copy of the workspace; its container does not outlive this process.
    """
    from pocketcoder_tui.sandbox.container import DockerSandbox
    from pocketcoder_tui.sandbox.egress.authorities import authorities
    from pocketcoder_tui.sandbox.flags import Limits
    from pocketcoder_tui.sandbox.image import image_tag

    settings, workspace = options.settings, copy or options.paths.workspace
    carried = is_carried(settings)
    carrying = copy.with_name("carried") if copy is not None else options.paths.carried
    egress = settings.network == NETWORK_ASK and copy is None
    secret = settings.local_secret
    limits = Limits(
        memory=size_bytes(settings.memory),
        cpus=settings.cpus,
        pids=settings.pids,
        tmp=size_bytes(settings.tmp_size),
        home=size_bytes(settings.home_size),
    )
    return DockerSandbox(
        workspace,
        image=image_tag(recipe_of(settings, options.paths)),
        limits=limits,
        runtime=settings.runtime,
        seal=box_seal(secret.get_secret_value(), workspace) if secret is not None else "",
        hatch=options.paths.hatch if copy is None and not carried else None,
        tied=copy is not None,
        egress=egress,
        authorities=authorities() if egress else b"",
        masks=options.paths.masks,
        hiding=hiding_of(settings),
        carried=carrying if carried else None,
    )


def is_carried(settings: Settings) -> bool:
    """Whether the box's engine cannot mount the workspace, by the setting or by its address."""
    from pocketcoder_tui.sandbox.elsewhere.address import engine_address, is_this_machine

    if settings.mount != MOUNT_AUTO:
        return settings.mount == MOUNT_COPY
    try:
        return not is_this_machine(engine_address().host)
    except SandboxError:
        return False  # there is no engine; whoever asks for a box is told so


def _load_terminal() -> "type[TmuxTerminal]":
    """Import the relay. libtmux asks standard output for its encoding when it is imported, and a
    full-screen program has put something in its place that has none."""
    with contextlib.redirect_stdout(sys.__stdout__):
        from pocketcoder_tui.relay.terminal import TmuxTerminal

        return TmuxTerminal


def size_bytes(size: str) -> int:
    """Bytes of a size as Docker writes it, for example 512m or 4g (config.settings.Size)."""
    return int(size[:-1]) << {"k": 10, "m": 20, "g": 30}[size[-1]]


def _open_terminal(
    limit: int, masker: Masker, outputs: Outputs
) -> Callable[[Box], Awaitable[Terminal]]:
    async def open_terminal(box: Box) -> Terminal:
        terminal = await asyncio.to_thread(_load_terminal)
        from pocketcoder_tui.relay.capture import Keeping

        keeping = Keeping(limit - limit // 2, limit // 2, masker)
        return await terminal.open(box, keeping=keeping, spool=outputs.spool)

    return open_terminal


async def _open_journal(ledger: Ledger, options: Options) -> Journal:
    """A new session, or the one that was asked for. Raises LedgerError."""
    session_id = await _chosen(ledger, options)
    if session_id:
        journal = Journal(ledger, session_id)
        await journal.read_back()
        return journal
    session_id = new_id()
    workspace = str(options.paths.workspace)
    started = ev.SessionStarted(session_id, workspace, time.time())
    return Journal(ledger, session_id, preface=[started])


async def _chosen(ledger: Ledger, options: Options) -> str:
    """The id of the session to take up; empty for a new one."""
    if not options.resume and not options.latest:
        return ""
    found = await ledger.sessions(archived=not options.latest)
    if options.latest:
        return found[0].id if found else ""
    return choose(options.resume, found).id
