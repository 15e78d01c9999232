"""`pocketcoder keys`: the SSH keys that may come to the box's terminal, added, listed, put out.

The pocketcoder that works in the folder is asked over its control socket, and puts out at once
whoever is in by a key that goes. While nobody works there, the ledger itself is read and changed.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from pocketcoder_tui.cli.arguments import Arguments
from pocketcoder_tui.cli.output import GREY, YELLOW, encodable, paint, say
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.control import ask
from pocketcoder_tui.control.protocol import NobodyWorks
from pocketcoder_tui.engine.keyanswers import answer_about_keys
from pocketcoder_tui.engine.keykeeper import KeyList
from pocketcoder_tui.engine.login import login, login_name
from pocketcoder_tui.gatekeeper.faithful import plain
from pocketcoder_tui.gatekeeper.sshkeys import LONGEST_LINE, SshKeyRefused, kinds

SCHEMA = 1
NONE = "There are no keys. pocketcoder keys add FILE lets one in."
_DONE = {
    "add": "Added the key",
    "disable": "Switched off the key",
    "enable": "Switched on the key",
    "remove": "Removed the key",
}
Answer = dict[str, Any]


def run(args: Arguments, paths: Paths) -> int:
    """Do what was asked. Raises ControlError, LedgerError, SshKeyRefused, NoSuchKey."""
    answer = _ask(args.action, _fields(args), paths)
    if args.json:
        print(json.dumps({"schema": SCHEMA, **answer}))
    elif args.action == "list":
        _show(answer)
    else:
        key = answer["key"]
        say(f"{_DONE[args.action]} {key['number']}, {key['name']}: {key['fingerprint']}")
    return 0


def _fields(args: Arguments) -> Answer:
    match args.action:
        case "list":
            return {}
        case "add":
            return {"line": _line(args.text), "called": args.name, "who": login_name()}
        case _:
            return {"key": args.key, "who": login_name()}


def _ask(action: str, fields: Answer, paths: Paths) -> Answer:
    """The working program's answer, or the ledger's own while nobody works."""
    try:
        return ask(paths.control, f"keys.{action}", **fields)
    except NobodyWorks:
        return asyncio.run(_at_rest({"ask": f"keys.{action}", **fields}, paths))


async def _at_rest(body: Answer, paths: Paths) -> Answer:
    from pocketcoder_tui.ledger import SqliteLedger, open_to_look

    if body["ask"] != "keys.list":
        paths.check_apart()
        paths.prepare()
        async with await SqliteLedger.open(paths.ledger, login=login()) as ledger:
            return await answer_about_keys(KeyList(ledger.keys), body)
    if not paths.ledger.exists():
        return {"keys": [], "door": {"listens": "", "why": "", "host_key": "", "visitors": 0}}
    async with await open_to_look(paths.ledger) as look:
        return await answer_about_keys(KeyList(look.keys), body)


def _line(text: str) -> str:
    """The key's line: as it was typed, of a file, or of standard input. Raises SshKeyRefused."""
    if text == "-":
        return _decoded(sys.stdin.buffer.read(LONGEST_LINE + 2))
    if text.startswith(tuple(f"{kind} " for kind in kinds())) or "\n" in text:
        return text
    try:
        fd = os.open(Path(text).expanduser(), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(fd, "rb") as file:
            return _decoded(file.read(LONGEST_LINE + 2))
    except (OSError, ValueError, RuntimeError) as error:
        if " " in text:
            return text  # a line of another kind: it is refused with its reason
        why = getattr(error, "strerror", None) or "there is no such file"
        raise SshKeyRefused(f"The file {text!a} cannot be read: {why}.") from error


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SshKeyRefused("This is no public key: it is no text.") from error


def _show(answer: Answer) -> None:
    for key in answer["keys"]:
        name = encodable(plain(key["name"], keep_newlines=False))
        added = time.strftime("%Y-%m-%d", time.localtime(key["added"]))
        off = paint("  off", YELLOW) if key["disabled"] else ""
        tail = paint(f"  {key['kind']}, added {added}", GREY)
        print(f"{key['number']:>3}  {name}  {key['fingerprint']}{off}{tail}")
    if not answer["keys"]:
        print(NONE)
    door = answer["door"]
    if door["listens"]:
        address, _, port = door["listens"].rpartition(":")
        say(f"They come in by: ssh -p {port} agent@{address}   (sftp -P {port} agent@{address})")
        say(f"The box shows itself with {door['host_key']}. In now: {door['visitors']}.")
    elif door["why"]:
        say(door["why"])
