"""The rules of the house, held by tests: size, layers, types, style, pins, and honest waivers."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pocketcoder_tui"
BIN = Path(sys.executable).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

FILE_LINES = 400
APP_LINES = 250
STATEMENTS = 40
WAIVERS = 15


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def tracked() -> list[Path]:
    """Every file of the project that git keeps or would keep; all of them in a plain copy."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        found = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        found = [p for top in (PACKAGE, ROOT / "tests", ROOT / "sandbox") for p in top.rglob("*")]
        found += list(ROOT.glob("*"))
    return [path for path in found if path.is_file()]


def python_files() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py"]


def run(*argv: str | Path, timeout: float = 280) -> None:
    """Run a checker; its own words are the failure."""
    done = subprocess.run(
        [str(word) for word in argv],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def loaded(code: str) -> set[str]:
    """Return the names in sys.modules after a fresh interpreter has run ``code``."""
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


# --- size


def test_no_file_is_over_its_budget() -> None:
    sizes = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in modules()}
    limits = {"pocketcoder_tui/ui/app.py": APP_LINES}
    over = {name: size for name, size in sizes.items() if size > limits.get(name, FILE_LINES)}
    assert not over, f"split by responsibility: {over}"


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def statements(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count a function's statements without its docstring; inner functions count on their own."""
    pending: list[ast.AST] = list(function.body[ast.get_docstring(function) is not None :])
    count = 0
    while pending:
        node = pending.pop()
        count += isinstance(node, ast.stmt)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            pending += ast.iter_child_nodes(node)
    return count


def test_the_counter_counts() -> None:
    source = "def f():\n '''doc'''\n a = 1\n if a:\n  b = 2\n def g():\n  c = 3\n  d = 4\n return b"
    counts = {f.name: statements(f) for f in functions(ast.parse(source))}
    assert counts == {"f": 5, "g": 2}


def test_no_function_is_over_its_budget() -> None:
    over = {
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}": size
        for path in modules()
        for function in functions(ast.parse(path.read_text()))
        if (size := statements(function)) > STATEMENTS
    }
    assert not over


# --- the checkers


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "argv",
    [
        (BIN / "ruff", "check"),
        (BIN / "ruff", "format", "--check"),
        (BIN / "mypy",),
        (BIN / "lint-imports", "--no-logo"),
    ],
    ids=["ruff-check", "ruff-format", "mypy", "lint-imports"],
)
def test_a_checker_is_content(argv: tuple[str | Path, ...]) -> None:
    run(*argv)


# --- what is loaded when


def tops(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


HEAVY = {"textual", "rich", "pydantic", "docker", "aiosqlite", "libtmux", "asyncio", "logging"}


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_a_short_answer_loads_next_to_nothing(option: str) -> None:
    names = loaded(f"from pocketcoder_tui.cli import main\nassert main([{option!r}]) == 0")
    assert not tops(names) & HEAVY
    assert "google.genai" not in names
    ours = {name for name in names if name.startswith("pocketcoder_tui")}
    assert ours <= {
        "pocketcoder_tui",
        "pocketcoder_tui.cli",
        "pocketcoder_tui.cli.arguments",
        "pocketcoder_tui.cli.boundary",
        "pocketcoder_tui.core",
        "pocketcoder_tui.core.errors",
    }


def test_the_first_frame_loads_no_sdk_and_no_settings() -> None:
    names = loaded("import pocketcoder_tui.cli.start, pocketcoder_tui.ui.run")
    assert "textual" in tops(names)
    assert not tops(names) & {"docker", "pydantic", "aiosqlite", "libtmux", "sqlite3"}
    assert "google.genai" not in names


PARSER = {"tree_sitter", "tree_sitter_bash"}


def test_the_first_frame_loads_no_grammar() -> None:
    """Textual's own text area takes tree_sitter where it is installed; nothing of ours does."""
    names = loaded("import pocketcoder_tui.cli.start, pocketcoder_tui.ui.run")
    assert "tree_sitter_bash" not in tops(names)
    assert "pocketcoder_tui.gatekeeper.reading" not in names
    by_textual = "from textual.widgets import TextArea"
    assert (tops(names) & PARSER) == (tops(loaded(by_textual)) & PARSER)


def test_bash_is_parsed_only_when_a_command_has_to_be_read() -> None:
    engine = "import pocketcoder_tui.engine.assembly, pocketcoder_tui.engine.session"
    asked = (
        "from pocketcoder_tui.core.actions import Action, ToolCall\n"
        "from pocketcoder_tui.gatekeeper.policy import judge\n"
        "call = ToolCall('c', 'shell', {'command': 'ls'})\n"
        "action = Action('a', 's', 't', 'r', call, '/workspace', 'box')\n"
    )
    for code in (engine, f"{asked}judge(action)"):
        assert not tops(loaded(code)) & PARSER
    assert tops(loaded(f"{asked}judge(action, mode='contained')")) >= PARSER


def test_the_engine_loads_no_screen() -> None:
    every = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted((PACKAGE / "engine").rglob("*.py"))
    ]
    names = loaded("".join(f"import {name}\n" for name in every))
    assert "textual" not in tops(names)


def test_core_loads_no_library() -> None:
    every = [f"pocketcoder_tui.core.{p.stem}" for p in (PACKAGE / "core").glob("[a-z]*.py")]
    names = loaded("".join(f"import {name}\n" for name in every))
    assert not tops(names) & (HEAVY - {"logging"})


# --- honesty


def test_every_module_says_which_idea_it_owns() -> None:
    silent = [str(p) for p in modules() if not ast.get_docstring(ast.parse(p.read_text()))]
    assert not silent


_WAIVER = re.compile(r"#\s*(noqa|type:\s*ignore|pragma:\s*no cover)(?P<rest>.*)$")
_REASON = re.compile(r"^(: [A-Z]+\d+(, ?[A-Z]+\d+)*|\[[a-z, -]+\])?\s+(#|-|–)\s*\w+.*\s.*\w")
_SKIP = re.compile(r"pytest\.(mark\.(skip|skipif|xfail)|skip)\b(?P<rest>.*)$")


def lines() -> Iterator[tuple[str, str]]:
    for path in python_files():
        if path != Path(__file__):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                yield f"{path.relative_to(ROOT)}:{number}", line


@pytest.mark.parametrize(
    ("line", "honest"),
    [
        ("x = 1  # noqa: E501 - the address is one word", True),
        ("x = 1  # type: ignore[attr-defined] # the stubs lack it", True),
        ("x = 1  # noqa", False),
        ("x = 1  # noqa: E501", False),
        ("x = 1  # type: ignore", False),
        ("x = 1  # type: ignore[attr-defined]", False),
        ("x = 1  # pragma: no cover - cannot happen here", True),
    ],
)
def test_the_waiver_pattern(line: str, honest: bool) -> None:
    waiver = _WAIVER.search(line)
    assert waiver
    assert bool(_REASON.match(waiver["rest"])) == honest


def test_waivers_are_few_and_have_their_reason_beside_them() -> None:
    waived = [(at, found["rest"]) for at, line in lines() if (found := _WAIVER.search(line))]
    assert not [at for at, rest in waived if not _REASON.match(rest)]
    assert len(waived) <= WAIVERS, waived


def test_a_skip_says_why() -> None:
    bare = [
        at
        for at, line in lines()
        if (found := _SKIP.search(line)) and not re.search(r"[\"']\w+|\($", found["rest"])
    ]
    assert not bare


def test_nothing_waits_for_time() -> None:
    sleeps = [at for at, line in lines() if re.search(r"\b(asyncio|time)\.sleep\((?!0\))", line)]
    assert not sleeps, "wait for a fact"


def registry_hosts() -> set[str]:
    """Name the package registries that this machine is set up for, from its own files."""
    home = Path.home()
    configured = [
        *Path("/etc/apt").glob("sources.list*"),
        *Path("/etc/apt").glob("sources.list.d/*"),
        *(home / name for name in (".npmrc", ".pip/pip.conf", ".config/pip/pip.conf")),
        *(home / name for name in (".config/uv/uv.toml", ".cargo/config.toml")),
        Path("/etc/pip.conf"),
        Path("/etc/uv/uv.toml"),
        ROOT / "uv.lock",
    ]
    text = "\n".join(p.read_text(errors="replace") for p in configured if p.is_file())
    builtin = subprocess.run(
        [
            Path(sys.base_prefix) / "bin/python3",
            "-c",
            "from pip._internal.models.index import PyPI as p\n"
            "print(p.url, 'https://' + p.file_storage_domain)",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    urls = re.findall(r"https?://(?:[^/@\s]*@)?([^/:\s\"']+)", f"{text}\n{builtin.stdout}")
    return {host for host in urls if "." in host}


def test_no_package_registry_is_named() -> None:
    hosts = registry_hosts()
    assert hosts, "this machine names no registry: the gate would prove nothing"
    named = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in tracked()
        for host in hosts
        if host.encode() in path.read_bytes()
    ]
    assert not named


# --- pins


def pins() -> dict[str, str]:
    """Return the versions of constraints.txt by canonical name."""
    found = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            assert re.fullmatch(r"[a-z0-9-]+==[A-Za-z0-9.!+]+", line), line
            name, _, version = line.partition("==")
            found[name] = version
    return found


def wanted() -> list[Requirement]:
    listed = PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]
    return [Requirement(line) for line in listed]


def closure() -> set[str]:
    """Follow what is installed from the project's requirements to everything they bring."""
    pending, seen = list(wanted()), set[str]()
    visited = set[tuple[str, frozenset[str]]]()
    while pending:
        requirement = pending.pop()
        name = canonicalize_name(requirement.name)
        if (key := (name, frozenset(requirement.extras))) in visited:
            continue
        visited.add(key)
        seen.add(name)
        for line in metadata.requires(name) or []:
            below = Requirement(line)
            marks = [{"extra": extra} for extra in ("", *requirement.extras)]
            if below.marker is None or any(below.marker.evaluate(mark) for mark in marks):
                pending.append(below)
    return seen


def test_the_constraints_pin_the_whole_set_and_nothing_else() -> None:
    assert set(pins()) == closure()


def test_the_pins_are_what_is_tested() -> None:
    installed = {name: metadata.version(name) for name in pins()}
    assert installed == pins(), "run: uv sync"


def test_the_pins_fit_the_ranges() -> None:
    assert not [
        str(r) for r in wanted() if not r.specifier.contains(pins()[canonicalize_name(r.name)])
    ]


def test_uv_uses_the_same_pins() -> None:
    listed = PROJECT["tool"]["uv"]["constraint-dependencies"]
    assert dict(line.split("==") for line in listed) == pins()
