"""What a person can set: every setting once, with its default and the sentence that explains it.

Sources, the first one that names a setting wins: the environment, the `.env` of the configuration
folder, its `config.toml`, the default. `.env.example` is made from this class by `env_example`.
"""

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import AliasChoices, Field, SecretStr, StringConstraints, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.config.secrets import GENERATED
from pocketcoder_tui.core.errors import ConfigError

PREFIX = "POCKETCODER_"
ENVIRONMENT = "the environment"
NETWORK_ASK = "ask"
"""The box's programs may ask the person for a host."""
MOUNT_AUTO, MOUNT_COPY = "auto", "copy"

Size = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*[kmg]$")]
"""A number of bytes as Docker writes it: 512m, 4g."""
_Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]*$")]
_Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:/@-]*$")]


_KEYS = {"gemini_api_key", "openai_api_key", "anthropic_api_key"}
"""What other programs know by the same name."""


class Settings(BaseSettings):
    """The settings. Made bare it holds the defaults; `load_settings` reads the sources."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )

    gemini_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices(
            f"{PREFIX}GEMINI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"
        ),
    )
    """Your Gemini key; without one there is the tour. GOOGLE_API_KEY is read too."""
    openai_api_key: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices(f"{PREFIX}OPENAI_API_KEY", "OPENAI_API_KEY")
    )
    """Your key for models named openai:…; an endpoint on this machine needs none."""
    anthropic_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices(f"{PREFIX}ANTHROPIC_API_KEY", "ANTHROPIC_API_KEY"),
    )
    """Your key for models named anthropic:…."""
    model: str = Field(default="gemini-3.8-flash", min_length=1)
    """The model that is asked: a name of Gemini's, openai:NAME or anthropic:NAME."""
    model_ask: str = ""
    """The model while you are in ask mode; empty for the general one."""
    model_contained: str = ""
    """The model while you are in contained mode; empty for the general one."""
    model_plan: str = ""
    """The model while you are in plan mode; empty for the general one."""
    gemini_base_url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    """Another address for Gemini's service, with http:// or https://; empty for its own."""
    openai_base_url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    """The address for openai:… models, such as http://127.0.0.1:11434/v1; empty for OpenAI's."""
    anthropic_base_url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    """Another address for anthropic:… models; empty for Anthropic's own."""
    anthropic_max_tokens: int = Field(default=16_000, ge=1_024, le=1_000_000)
    """The longest answer of anthropic:… models, in tokens, thinking included."""
    gemini_api_version: str = Field(default="v1beta", pattern=r"^[a-z0-9]+$")
    """The version of the service's interface."""
    model_timeout: float = Field(default=600, gt=0, le=86_400)
    """Seconds to wait for the next piece of an answer."""
    context_tokens: int = Field(default=200_000, ge=0, le=10_000_000)
    """Tokens that a request may have; near it old output is sent shortened. 0 for no limit."""
    turn_steps: int = Field(default=100, ge=0, le=100_000)
    """Calls of the model in one turn after which you are asked; 0 for no limit."""
    session_budget: float = Field(default=0.0, ge=0, le=1_000_000)
    """US dollars of a session after which you are asked; 0 for no limit."""
    thinking_level: str = Field(default="", pattern=r"^[a-z]*$|^[0-9]{1,7}$")
    """How much the model thinks: low, high or a number of tokens; empty for its own choice."""
    thinking_levels: str = Field(default="", pattern=r"^([^\s,]+ +([a-z]+|[0-9]{1,7})(, *|$))*$")
    """The same by the beginning of a name: gemini-3 low, anthropic:claude high, with commas."""
    image: _Reference = Field(default="debian:bookworm-slim", min_length=1)
    """The image that the box is made from: Debian, or your own with bash 5 and tmux 3.2."""
    network: Literal["ask", "off"] = "ask"
    """The box's way out: ask about each host it wants to reach, or off."""
    mount: Literal["auto", "bind", "copy"] = "auto"
    """How the box has the workspace: bind, or copy for Docker on another machine; auto decides."""
    runtime: _Word = ""
    """The container runtime, for example runsc for gVisor; empty for Docker's default."""
    memory: Size = "4g"
    """The most memory the box may use."""
    cpus: float = Field(default=2.0, ge=0.1, le=1024)
    """How many processors the box may keep busy."""
    pids: int = Field(default=512, ge=32, le=1_000_000)
    """How many processes and threads the box may have."""
    tmp_size: Size = "1g"
    """The size of /tmp in the box, which is held in memory."""
    home_size: Size = "1g"
    """The size of the home folder in the box, which is held in memory."""
    hide_secrets: bool = True
    """Hide files that hold secrets (.env, private keys) from the agent: the box sees one line."""
    hide_files: str = ""
    """More files and folders to hide: patterns such as *.sql or conf/prod.yml, with commas."""
    show_files: str = ""
    """Files and folders that are not hidden: patterns of the same kind, for example .env.test."""
    output_limit: int = Field(default=40_000, ge=1_000, le=10_000_000)
    """Characters of one command's output that the model gets; head and tail are kept."""
    output_days: int = Field(default=0, ge=0, le=36_500)
    """Days for which the output of commands is kept in the ledger; 0 keeps it for ever."""
    command_limit: float = Field(default=120, ge=1, le=86_400)
    """Seconds after which the model is told that a command still runs; the command goes on."""
    output_kept: Size = "64m"
    """How much of one command's output is kept whole, where the model gets head and tail only."""
    checkpoints: bool = True
    """Keep the workspace before each action that can write, so that it can be undone."""
    checkpoint_file: Size = "64m"
    """Files that are larger are not kept in checkpoints, and not brought back."""
    checkpoint_space: Size = "2g"
    """How much of the disk checkpoints may take; then the oldest go."""
    checkpoint_days: int = Field(default=30, ge=0, le=36_500)
    """Days for which checkpoints are kept; 0 keeps them until there is no space."""
    try_limit: float = Field(default=60, ge=1, le=3600)
    """Seconds after which a try in a throw-away copy is ended."""
    try_space: Size = "1g"
    """How large a throw-away copy of the workspace may be, and how much a try may write."""
    ssh: bool = False
    """Let the keys of `pocketcoder keys` come to the box's terminal over SSH, from this machine."""
    ssh_port: int = Field(default=2222, ge=0, le=65_535)
    """The port of 127.0.0.1 that they come in by, while the workbench is open; 0 for any."""
    theme: _Word = Field(default="pocketcoder-dark", min_length=1)
    """The colour theme of the screen."""
    ascii: bool = False
    """Draw signs and borders with ASCII only."""
    local_secret: SecretStr | None = None
    """Signs containers as ours, so that another's container is never adopted."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed: no `.env` of the current folder can ever be read by accident."""
        return (init_settings,)


def load_settings(paths: Paths, command_line: Mapping[str, Any] | None = None) -> Settings:
    """Read every source. Raises ConfigError that names the setting, what is wrong and where.

    ``command_line`` holds settings by their field's name; they win over every source.
    """
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for where, found in (
        (str(paths.config_file), _from_toml(paths.config_file)),
        (str(paths.env_file), _from_env_file(paths.env_file)),
        (ENVIRONMENT, EnvSettingsSource(Settings)()),
        ("the command line", command_line or {}),
    ):
        named = _by_field(found)
        values |= named
        origin |= dict.fromkeys(named, where)
    try:
        return Settings(**values)
    except ValidationError as error:
        raise _explained(error, values, origin) from None


def variable(name: str) -> str:
    """Return the environment variable that is offered for a setting."""
    return name.upper() if name in _KEYS else PREFIX + name.upper()


def env_example() -> str:
    """Return the text of `.env.example`: every setting, its sentence and its default."""
    lines = [
        "# PocketCoder's settings. Its place is $XDG_CONFIG_HOME/pocketcoder/.env (0600);",
        "# `pocketcoder setup` puts it there. A variable of the environment wins over this file,",
        "# this file over config.toml beside it. A `.env` in a workspace is never read.",
    ]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else field.default
        shown = str(default).lower() if isinstance(default, bool) else str(default)
        generated = variable(name) in GENERATED
        lines += ["", f"# {field.description}"]
        lines += ["# Generated by `pocketcoder setup`."] if generated else []
        lines.append(f"{'' if generated else '# '}{variable(name)}={shown}")
    return "\n".join(lines) + "\n"


def _by_field(found: Mapping[str, Any]) -> dict[str, Any]:
    """Sources answer with whichever alias they met: use the field's name, so that order holds."""
    aliases = {
        str(alias): name
        for name, field in Settings.model_fields.items()
        if isinstance(field.validation_alias, AliasChoices)
        for alias in reversed(field.validation_alias.choices)
    }
    return {aliases.get(key, key): value for key, value in found.items()}


def _from_toml(path: Path) -> dict[str, Any]:
    try:
        found = TomlConfigSettingsSource(Settings, toml_file=path)()
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text.") from error
    except OSError as error:
        raise _unreadable(path, error) from error
    for key in found:
        _refuse_unknown(key, _by_field({key: ""}), str(path))
    return found


def _from_env_file(path: Path) -> dict[str, Any]:
    """Read the settings of a `.env`; names of other programs in it are left alone."""
    try:
        if not path.exists():
            return {}
        for key in dotenv_values(path, interpolate=False):
            if key.upper().startswith(PREFIX):
                _refuse_unknown(key, {key[len(PREFIX) :].lower(): ""}, str(path))
        return DotEnvSettingsSource(Settings, env_file=path, dotenv_filtering="only_existing")()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text.") from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _refuse_unknown(written: str, named: Mapping[str, Any], where: str) -> None:
    for name in named:
        if name in Settings.model_fields:
            continue
        near = difflib.get_close_matches(name, Settings.model_fields, 1)
        hint = f"Did you mean {near[0]}?" if near else "`.env.example` lists every setting."
        raise ConfigError(f"{written!a} in {where} is not a setting.", hint=hint)


def _unreadable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"{path} cannot be read: {error.strerror}.",
        hint="Make it readable for yourself: chmod 600.",
    )


def _explained(
    error: ValidationError, values: Mapping[str, Any], origin: Mapping[str, str]
) -> ConfigError:
    """One sentence for the first thing that is wrong; a secret's value is never part of it."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    name = _field_of(str(first["loc"][0]))
    where = origin.get(name, "the settings")
    written = name if where.endswith(".toml") else variable(name)
    field = Settings.model_fields.get(name)
    secret = field is None or "SecretStr" in str(field.annotation)
    # An address may hold a password.
    secret |= name.endswith("_base_url") and "@" in str(values.get(name))
    shown = "" if secret else f" is {values.get(name)!a}"
    what = first["msg"].removeprefix("Value error, ")
    return ConfigError(f"{written}{shown} in {where}: {what[:1].lower()}{what[1:]}.")


def _field_of(located: str) -> str:
    return next(iter(_by_field({located: ""})))
