"""Which paths matter to the person's own machine: files that it will run later, and secrets. Data.

Whatever is written in the workspace is on the host too. The box cannot keep the host from running
it there, so these paths are named on screen and wait in every mode. Names are compared as a file
system may compare them that ignores capitals and invisible characters.
"""

import posixpath
import re
import unicodedata

__all__ = [
    "GUARDED_FILES",
    "GUARDED_FOLDERS",
    "GUARDED_PATTERNS",
    "HOME",
    "SECRET_GLOBS",
    "WORKSPACE",
    "absolute",
    "guarded",
    "in_workspace",
    "is_secret",
    "searches_openly",
]

WORKSPACE = "/workspace"
"""Where the person's folder is in the box."""
HOME = "/home/agent"

GUARDED_FOLDERS = {
    ".git": "git keeps its settings and hooks there and runs them on your machine",
    ".husky": "git hooks of the project that your machine runs",
    ".git-hooks": "git hooks of the project that your machine runs",
    ".githooks": "git hooks of the project that your machine runs",
    ".vscode": "your editor runs tasks and settings of it",
    ".idea": "your editor runs tasks and settings of it",
    ".zed": "your editor runs tasks and settings of it",
    ".fleet": "your editor runs tasks and settings of it",
    ".run": "your editor runs tasks and settings of it",
    ".vs": "your editor runs tasks and settings of it",
    ".helix": "your editor starts language servers from it",
    ".nvim": "your editor runs it",
    ".vim": "your editor runs it",
    ".devcontainer": "your editor builds and runs what it says",
    ".direnv": "direnv runs it when you enter the folder",
    ".github": "it says what your code host runs",
    ".gitlab": "it says what your code host runs",
    ".forgejo": "it says what your code host runs",
    ".gitea": "it says what your code host runs",
    ".circleci": "it says what your build service runs",
    ".buildkite": "it says what your build service runs",
    ".woodpecker": "it says what your build service runs",
    ".yarn": "yarn runs releases and plugins of it",
    ".terraform": "terraform runs plugins of it",
    ".cargo": "cargo takes programs to run from it",
    ".mvn": "maven takes programs to run from it",
    ".claude": "another agent on your machine takes its orders from it",
    ".gemini": "another agent on your machine takes its orders from it",
    ".codex": "another agent on your machine takes its orders from it",
    ".cursor": "another agent on your machine takes its orders from it",
    ".windsurf": "another agent on your machine takes its orders from it",
    ".continue": "another agent on your machine takes its orders from it",
    ".opencode": "another agent on your machine takes its orders from it",
}
"""Everything in a folder of this name, wherever it is in the workspace, and why it matters."""

_BUILD = "a build on your machine runs it"
_SHELL = "a shell on your machine may run it"
_EDITOR = "your editor may run it"
_PYTHON = "Python on your machine runs it by itself"
_SERVICE = "it says what your build service runs"
_HOOKS = "it says what git hooks on your machine run"
_TOOL = "a tool of the project takes programs or plugins to run from it"
_DEBUGGER = "a debugger on your machine runs it"
_SETTING = "your editor builds and runs what it says"

GUARDED_FILES = {
    ".envrc": "direnv runs it when you enter the folder",
    ".gitmodules": "git on your machine follows it",
    ".gitattributes": "git on your machine takes programs to run from it",
    ".gitconfig": "git on your machine takes programs to run from it",
    **dict.fromkeys((".pre-commit-config.yaml", ".pre-commit-hooks.yaml"), _HOOKS),
    **dict.fromkeys((".overcommit.yml", ".simple-git-hooks.json", ".gitlint"), _HOOKS),
    **dict.fromkeys(("package.json", ".npmrc", ".yarnrc", ".yarnrc.yml", ".pnpmfile.cjs"), _BUILD),
    **dict.fromkeys(("makefile", "gnumakefile", "justfile", ".justfile"), _BUILD),
    **dict.fromkeys(("taskfile.yml", "taskfile.yaml", "rakefile", "gemfile", "sconstruct"), _BUILD),
    **dict.fromkeys(("setup.py", "noxfile.py", "tox.ini", "fabfile.py", "tasks.py"), _BUILD),
    **dict.fromkeys(("build.gradle", "build.gradle.kts", "settings.gradle", "gradlew"), _BUILD),
    **dict.fromkeys(("mvnw", "build.rs", "cmakelists.txt", "configure", "meson.build"), _BUILD),
    **dict.fromkeys(
        ("dockerfile", "containerfile", "vagrantfile", "flake.nix", "shell.nix"), _BUILD
    ),
    **dict.fromkeys(("compose.yaml", "compose.yml", "docker-compose.yml", "default.nix"), _BUILD),
    **dict.fromkeys((".pnp.cjs", ".pnp.loader.mjs", "pnpm-workspace.yaml", "bunfig.toml"), _BUILD),
    **dict.fromkeys(("deno.json", "deno.jsonc", "composer.json", "lerna.json", "nx.json"), _BUILD),
    **dict.fromkeys(("turbo.json", "angular.json", "jakefile", "webpack.mix.js"), _BUILD),
    **dict.fromkeys(("pyproject.toml", "setup.cfg", "pytest.ini", "hatch.toml"), _BUILD),
    **dict.fromkeys(("hatch_build.py", "pixi.toml", "uv.toml", "conanfile.py", "dodo.py"), _BUILD),
    **dict.fromkeys(("cargo.toml", "rust-toolchain.toml", "rust-toolchain", "build.zig"), _BUILD),
    **dict.fromkeys(("pom.xml", "build.xml", "gradle.properties", "gradlew.bat"), _BUILD),
    **dict.fromkeys(("mvnw.cmd", "mix.exs", "setup.hs", "package.swift", "magefile.go"), _BUILD),
    **dict.fromkeys(("directory.build.props", "directory.build.targets", "nuget.config"), _BUILD),
    **dict.fromkeys(("build.bazel", "module.bazel", "workspace.bazel", ".bazelrc"), _BUILD),
    **dict.fromkeys(("cmakepresets.json", "configure.ac", "autogen.sh", "build.ninja"), _BUILD),
    **dict.fromkeys(("bsdmakefile", "sconscript", "wscript", "waf", "xmake.lua"), _BUILD),
    **dict.fromkeys(("rakefile.rb", "guardfile", "capfile", "thorfile", ".rspec"), _BUILD),
    **dict.fromkeys(("tiltfile", "earthfile", "procfile", "skaffold.yaml", "devbox.json"), _BUILD),
    **dict.fromkeys(("docker-bake.hcl", "terragrunt.hcl", "ansible.cfg", "devenv.yaml"), _BUILD),
    **dict.fromkeys(("taskfile.dist.yml", "taskfile.dist.yaml", "pip.conf"), _BUILD),
    **dict.fromkeys(("mypy.ini", ".mypy.ini", ".pylintrc", "pylintrc", ".coveragerc"), _TOOL),
    **dict.fromkeys((".flake8", ".rubocop.yml", ".swcrc", ".golangci.yml"), _TOOL),
    **dict.fromkeys((".gdbinit", ".lldbinit", ".pdbrc", ".pdbrc.py", ".irbrc"), _DEBUGGER),
    **dict.fromkeys((".pryrc", "ipython_config.py", ".vimspector.json"), _DEBUGGER),
    **dict.fromkeys((".devcontainer.json", ".gitpod.yml", "devfile.yaml"), _SETTING),
    **dict.fromkeys(
        (
            "mise.toml",
            ".mise.toml",
            "mise.local.toml",
            ".mise.local.toml",
            ".tool-versions",
            ".rtx.toml",
            ".autoenv",
            ".autoenv.zsh",
            ".zlogout",
            ".kshrc",
        ),
        _SHELL,
    ),
    **dict.fromkeys((".bashrc", ".bash_profile", ".bash_login", ".profile", ".inputrc"), _SHELL),
    **dict.fromkeys((".zshrc", ".zshenv", ".zprofile", ".zlogin", ".bash_logout"), _SHELL),
    **dict.fromkeys((".exrc", ".vimrc", ".nvimrc", ".nvim.lua", ".lvimrc", "_vimrc"), _EDITOR),
    **dict.fromkeys((".dir-locals.el", ".dir-locals-2.el", ".editorconfig-hooks"), _EDITOR),
    **dict.fromkeys(("conftest.py", "sitecustomize.py", "usercustomize.py"), _PYTHON),
    "pyvenv.cfg": _PYTHON,
    **dict.fromkeys(
        (
            ".gitlab-ci.yml",
            ".travis.yml",
            "jenkinsfile",
            "azure-pipelines.yml",
            ".drone.yml",
            ".woodpecker.yml",
            ".cirrus.yml",
            "appveyor.yml",
            ".appveyor.yml",
            "cloudbuild.yaml",
            "bitbucket-pipelines.yml",
            ".goreleaser.yml",
            ".goreleaser.yaml",
        ),
        _SERVICE,
    ),
    ".mcp.json": "another agent on your machine starts programs from it",
    "opencode.json": "another agent on your machine starts programs from it",
    ".aider.conf.yml": "another agent on your machine takes its orders from it",
}
"""A file of this name, wherever it is in the workspace, and why it matters."""

GUARDED_PATTERNS = (
    (re.compile(r"(?:^|/)(?:bin|scripts)/activate[^/]*$"), _SHELL),
    (re.compile(r"(?:^|/)activate(?:\.(?:csh|fish|ps1|nu|bat)|_this\.py)?$"), _SHELL),
    (re.compile(r"(?:^|/)\.?v?env[^/]*/(?:bin|scripts)(?:/|$)"), "a shell finds programs in it"),
    (re.compile(r"(?:^|/)node_modules/\.bin(?:/|$)"), _BUILD),
    (re.compile(r"(?:^|/)\.config/mise(?:/|$)"), _SHELL),
    (re.compile(r"(?:^|/)\.?lefthook(?:-local)?\.(?:ya?ml|toml|json)$"), _HOOKS),
    (re.compile(r"(?:^|/)\.(?:commitlint|lintstaged|husky)rc[^/]*$"), _HOOKS),
    (re.compile(r"(?:^|/)\.(?:eslint|prettier|stylelint|babel|mocha|c8|nyc)rc[^/]*$"), _TOOL),
    (re.compile(r"\.(?:code-workspace|sublime-project)$"), _EDITOR),
    (re.compile(r"\.(?:pth|egg-link)$"), _PYTHON),
    (re.compile(r"\.(?:mk|mak|just|cmake|gradle|gradle\.kts|sbt|bzl|nix|gemspec)$"), _BUILD),
    (re.compile(r"\.(?:csproj|fsproj|vbproj|vcxproj|targets)$"), _BUILD),
    (re.compile(r"(?:^|/)gradle/wrapper(?:/|$)"), _BUILD),
    (re.compile(r"(?:^|/)debian/rules$"), _BUILD),
    (re.compile(r"(?:^|/)(?:dockerfile|containerfile)\.[^/]+$|\.dockerfile$"), _BUILD),
    (re.compile(r"(?:^|/)(?:docker-)?compose[^/]*\.ya?ml$"), _BUILD),
    (
        re.compile(r"(?:^|/)(?:gulpfile|gruntfile|[\w.-]+\.conf(?:ig)?)\.(?:[cm]?[jt]s|coffee)$"),
        _BUILD,
    ),
)
"""Of a path in small letters, and why it matters."""

_SECRET = re.compile(
    r"""(?:^|/)(?:
        \.env(?:\.(?!example$|sample$|template$|dist$)[^/]*)?
        | [^/]*\.(?:pem|key|p12|pfx|kdbx|keystore|jks)
        | id_(?:rsa|dsa|ecdsa|ed25519)[^/]*
        | \.?(?:netrc|npmrc|pypirc|htpasswd|git-credentials|pgpass|my\.cnf)
        | (?:credentials|secrets?)(?:\.[^/]*)?
        | \.(?:ssh|aws|gnupg|kube|docker|azure)(?:/.*)?
    )$""",
    re.VERBOSE,
)
SECRET_GLOBS = (
    ".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "*.kdbx", "*.keystore", "*.jks",
    "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc", "netrc", ".npmrc", "npmrc",
    ".pypirc", "pypirc", ".htpasswd", "htpasswd", ".git-credentials", "git-credentials",
    ".pgpass", "pgpass", ".my.cnf", "my.cnf", "credentials", "credentials.*", "secret", "secret.*",
    "secrets", "secrets.*", ".ssh", ".aws", ".gnupg", ".kube", ".docker", ".azure",
)  # fmt: skip
"""What ``is_secret`` means, as globs that ignore capitals: a search leaves these out."""
_OPEN_GLOB = re.compile(r"(?:\*\*/)?(\*|[A-Za-z0-9_][A-Za-z0-9_-]*)(\.[A-Za-z0-9]+)")
_UNSEEN = re.compile(
    r"[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0]"
)


def absolute(path: str, cwd: str = WORKSPACE) -> str:
    """Join and tidy a path by its letters alone; links are not followed, that is the box's part."""
    return "/" + posixpath.normpath(posixpath.join(cwd, path)).lstrip("/")


def in_workspace(path: str) -> bool:
    """Whether an absolute path is the workspace or below it."""
    return path == WORKSPACE or path.startswith(f"{WORKSPACE}/")


def guarded(path: str) -> str:
    """Why a path matters to the host, as half a sentence; empty when it does not.

    A relative path is taken to be in the workspace, wherever there.
    """
    if path.startswith("/") and not in_workspace(path):
        return ""
    folded = _folded(path.removeprefix(WORKSPACE))
    parts = [part for part in folded.split("/") if part not in ("", ".")]
    for part in parts:
        if part in GUARDED_FOLDERS:
            return GUARDED_FOLDERS[part]
    if parts and parts[-1] in GUARDED_FILES:
        return GUARDED_FILES[parts[-1]]
    return next((why for pattern, why in GUARDED_PATTERNS if pattern.search("/".join(parts))), "")


def is_secret(path: str) -> bool:
    """Whether a file of this name often holds keys or passwords."""
    return _SECRET.search(_folded(path)) is not None


def searches_openly(glob: str) -> bool:
    """Whether a search with this glob names nothing that is hidden or often holds secrets.

    A glob that names a hidden file makes ripgrep look into it.
    """
    if not glob:
        return True
    found = _OPEN_GLOB.fullmatch(glob)
    if found is None:
        return False
    name, ending = found.groups()
    names = (f"x{ending}", ending) if name == "*" else (f"{name}{ending}",)
    return not any(is_secret(one) for one in names)


def _folded(path: str) -> str:
    """A path as a file system may see it that ignores capitals and what is invisible."""
    if not path.isascii():
        path = _UNSEEN.sub("", unicodedata.normalize("NFKC", path))
        path = "".join(char for char in path if unicodedata.category(char) != "Cf")
    return "/".join(part.rstrip(" .") or part for part in path.casefold().split("/"))
