"""The ten. Each script does what a careful agent would; each proof looks at the workspace alone."""

import json
import subprocess
import sys
from pathlib import Path

from tests.support.gemini_server import Chunk, call, finish, text
from tests.tasks.task import Task, git

CALC = """def mean(numbers):
    return sum(numbers) / (len(numbers) + 1)


def spread(numbers):
    return max(numbers) - min(numbers)
"""
CALC_TEST = """import unittest

from calc import mean, spread


class Numbers(unittest.TestCase):
    def test_mean(self):
        self.assertEqual(mean([1, 2, 3]), 2)

    def test_spread(self):
        self.assertEqual(spread([1, 5, 3]), 4)
"""


def one(tool: str, **arguments: object) -> list[Chunk]:
    """A reply that is one call."""
    return [call(tool, arguments), finish()]


def shell(command: str, **more: object) -> list[Chunk]:
    return one("shell", command=command, **more)


def end(words: str) -> list[Chunk]:
    return [text(words), finish()]


def python(workspace: Path, *words: str) -> str:
    """What a program of the workspace says on this machine."""
    done = subprocess.run(
        [sys.executable, *words], cwd=workspace, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


# --- proofs


def tests_pass(workspace: Path) -> str:
    said = python(workspace, "-m", "unittest", "-q")
    return "" if "OK" in said and (workspace / "test_calc.py").read_text() == CALC_TEST else said


def renamed(workspace: Path) -> str:
    left = [p.name for p in workspace.glob("*.py") if "fetch_all" in p.read_text()]
    said = python(workspace, "main.py")
    return f"{left} {said}" if left or said != "3 rows\n" else ""


def served(workspace: Path) -> str:
    return holds(workspace / "seen.html", "<h1>hello</h1>\n")


def squashed(workspace: Path) -> str:
    told = git(workspace, "log", "--format=%s").splitlines()
    inside = git(workspace, "show", "HEAD:notes.txt")
    good = told == ["add notes", "first"] and inside == "one\ntwo\n"
    return "" if good and not git(workspace, "status", "--porcelain") else f"{told} {inside!r}"


def greeted(workspace: Path) -> str:
    return holds(workspace / "greeting.txt", "Hello, Ada!\n")


def converted(workspace: Path) -> str:
    try:
        rows = json.loads((workspace / "people.json").read_text())
    except (OSError, ValueError) as error:
        return str(error)
    wanted = [{"name": "Ada", "born": "1815"}, {"name": "Grace", "born": "1906"}]
    return "" if rows == wanted else str(rows)


def found(workspace: Path) -> str:
    return holds(workspace / "answer.txt", "req-7341\n")


def compiled(workspace: Path) -> str:
    return holds(workspace / "out.txt", "sum 15\n")


def targeted(workspace: Path) -> str:
    made = (workspace / "Makefile").read_text()
    good = "\ntest:\n\techo tested\n" in made and made.startswith("all:\n")
    return "" if good else made


def merged(workspace: Path) -> str:
    told = git(workspace, "log", "--format=%s", "-1").strip()
    inside = (workspace / "colour.txt").read_text()
    parents = git(workspace, "log", "--format=%P", "-1").split()
    good = inside == "teal\n" and len(parents) == 2 and not git(workspace, "status", "--porcelain")
    return "" if good else f"{told} {parents} {inside!r}"


def holds(file: Path, wanted: str) -> str:
    """Whether a file has exactly this."""
    try:
        inside = file.read_text()
    except OSError as error:
        return str(error)
    return "" if inside == wanted else repr(inside)


# --- set-ups


def three_commits(workspace: Path) -> None:
    git(workspace, "init", "-q", "-b", "main")
    git(workspace, "add", "readme.txt")
    git(workspace, "commit", "-qm", "first")
    for words, message in (("one\n", "add notes"), ("one\ntwo\n", "fixup: notes")):
        (workspace / "notes.txt").write_text(words)
        git(workspace, "add", "notes.txt")
        git(workspace, "commit", "-qm", message)


def two_branches(workspace: Path) -> None:
    git(workspace, "init", "-q", "-b", "main")
    git(workspace, "add", ".")
    git(workspace, "commit", "-qm", "first")
    git(workspace, "switch", "-qc", "warm")
    (workspace / "colour.txt").write_text("green\n")
    git(workspace, "commit", "-qam", "warm")
    git(workspace, "switch", "-q", "main")
    (workspace / "colour.txt").write_text("blue\n")
    git(workspace, "commit", "-qam", "cold")


NAMED = "git -c user.name=agent -c user.email=agent@example.org"
LOG = "".join(
    f"2026-11-{n % 28 + 1:02} req-{n} {'ERROR disk full' if n == 7341 else 'ok'}\n"
    for n in range(9_000)
)
ASKS = '#!/bin/bash\nread -rp "Name? " name\nread -rp "Sure? (yes/no) " sure\n' \
    '[ "$sure" = yes ] && echo "Hello, $name!" >greeting.txt\n'  # fmt: skip
C = """#include <stdio.h>

int main(void) {
    int sum = 0
    for (int n = 1; n <= 5; n++) sum += n;
    printf("sum %d\\n", summ);
    return 0;
}
"""

TASKS = (
    Task(
        "a failing test",
        "A test fails (python3 -m unittest). Find out why and fix the code, not the test.",
        {"calc.py": CALC, "test_calc.py": CALC_TEST},
        [
            shell("python3 -B -m unittest -q"),
            one("read_file", path="calc.py"),
            one("edit_file", path="calc.py", old_text="/ (len(numbers) + 1)",
                new_text="/ len(numbers)"),
            shell("python3 -B -m unittest -q"),
            end("mean divided by one too many; both tests pass now."),
        ],
        tests_pass,
    ),
    Task(
        "a rename across files",
        "Rename the function fetch_all to load_rows, everywhere.",
        {
            "store.py": "def fetch_all():\n    return [1, 2, 3]\n",
            "count.py": "from store import fetch_all\n\n\ndef count():\n"
            "    return len(fetch_all())\n",
            "main.py": "from count import count\n\nprint(count(), 'rows')  # see fetch_all\n",
        },
        [
            one("search_files", pattern="fetch_all"),
            one("edit_file", path="store.py", old_text="fetch_all", new_text="load_rows"),
            one("edit_file", path="count.py", old_text="import fetch_all",
                new_text="import load_rows",
                more_edits=[{"old_text": "fetch_all()", "new_text": "load_rows()"}]),
            one("edit_file", path="main.py", old_text="fetch_all", new_text="load_rows"),
            shell("python3 -B main.py; grep -rn fetch_all . || echo none left"),
            end("Renamed in three files."),
        ],
        renamed,
    ),
    Task(
        "a server beside the work",
        "Serve this folder with python3 -m http.server on port 8123, fetch index.html from it into "
        "seen.html, and stop the server again.",
        {"index.html": "<h1>hello</h1>\n"},
        [
            shell("python3 -m http.server 8123 --bind 127.0.0.1", window="web", limit_seconds=2.0),
            shell("curl -s --retry 20 --retry-connrefused --retry-delay 1 -o seen.html "
                  "http://127.0.0.1:8123/index.html && cat seen.html"),
            one("shell_interrupt", window="web"),
            end("Fetched, and the server is stopped."),
        ],
        served,
    ),
    Task(
        "an interactive rebase",
        "Squash the last commit of this repository into the one before it with an interactive "
        "rebase; keep that one's message.",
        {"readme.txt": "hello\n"},
        [
            shell("git log --oneline"),
            shell(f"GIT_SEQUENCE_EDITOR='sed -i 2s/pick/fixup/' {NAMED} rebase -q -i HEAD~2"),
            shell("git log --oneline && git status --short"),
            end("Two commits are left."),
        ],
        squashed,
        three_commits,
    ),
    Task(
        "a program that asks",
        "Run ./greet.sh and answer it: the name is Ada, and yes.",
        {"greet.sh": ASKS},
        [
            shell("bash greet.sh", limit_seconds=1.5),
            one("shell_input", text="Ada", keys=["Enter"]),
            one("shell_input", text="yes", keys=["Enter"]),
            one("shell_wait", seconds=10.0),
            end("It greeted Ada."),
        ],
        greeted,
    ),
    Task(
        "a script of one's own",
        "Write csv2json.py, which turns a CSV file into a JSON list of objects, and use it to make "
        "people.json from people.csv.",
        {"people.csv": "name,born\nAda,1815\nGrace,1906\n"},
        [
            one("plan", steps=[{"text": "write it", "stage": "doing"}, {"text": "use it"}]),
            one("write_file", path="csv2json.py", content="import csv, json, sys\n\n"
                "with open(sys.argv[1], newline='') as source:\n"
                "    rows = list(csv.DictReader(source))\n"
                "with open(sys.argv[2], 'w') as target:\n    json.dump(rows, target, indent=2)\n"),
            shell("python3 csv2json.py people.csv people.json && cat people.json"),
            end("people.json has both."),
        ],
        converted,
    ),
    Task(
        "a needle in a log",
        "Which request in server.log failed? Write its id, alone on a line, into answer.txt.",
        {"server.log": LOG},
        [
            one("search_files", pattern="ERROR", path="server.log"),
            one("write_file", path="answer.txt", content="req-7341\n"),
            end("req-7341 failed: the disk was full."),
        ],
        found,
    ),
    Task(
        "a program that does not compile",
        "sum.c does not compile. Fix it, compile it, and write what it prints into out.txt.",
        {"sum.c": C},
        [
            shell("gcc -Wall -o /tmp/sum sum.c"),
            one("edit_file", path="sum.c", old_text="int sum = 0\n", new_text="int sum = 0;\n",
                more_edits=[{"old_text": "summ", "new_text": "sum"}]),
            shell("gcc -Wall -Werror -o /tmp/sum sum.c && /tmp/sum >out.txt; cat out.txt"),
            end("A semicolon and a name were wrong."),
        ],
        compiled,
    ),
    Task(
        "a build file, which the host runs",
        "Add a target test to the Makefile that runs echo tested.",
        {"Makefile": "all:\n\techo all\n"},
        [
            one("read_file", path="Makefile"),
            one("edit_file", path="Makefile", old_text="\techo all\n",
                new_text="\techo all\n\ntest:\n\techo tested\n"),
            shell("make -s test"),
            end("make test says tested."),
        ],
        targeted,
    ),
    Task(
        "a merge with a conflict",
        "Merge the branch warm into main. In colour.txt the answer is teal, alone on its line.",
        {"colour.txt": "grey\n"},
        [
            shell(f"{NAMED} merge warm; git status --short"),
            one("write_file", path="colour.txt", content="teal\n"),
            shell(f"git add colour.txt && {NAMED} commit -qm 'merge warm' && git log --oneline"),
            end("Merged; colour.txt says teal."),
        ],
        merged,
        two_branches,
    ),
)  # fmt: skip
