"""Settings: who wins, what a mistake says, and that a key is never shown."""

from pathlib import Path

import pytest

from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.config.settings import Settings, env_example, load_settings, variable
from pocketcoder_tui.core.errors import ConfigError

SECRET = "AIza-very-secret-0123456789"


def test_bare_settings_are_the_defaults_and_read_nothing(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POCKETCODER_MODEL", "other")
    assert Settings().model == "gemini-3.8-flash"


def test_the_order_of_sources(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(paths).memory == "4g"
    paths.config_file.write_text('memory = "1g"\nmodel = "toml"\npids = 64\n')
    assert load_settings(paths).memory == "1g"
    paths.env_file.write_text("POCKETCODER_MEMORY=2g\nPOCKETCODER_MODEL=file\n")
    assert load_settings(paths).memory == "2g"
    monkeypatch.setenv("POCKETCODER_MEMORY", "3g")
    found = load_settings(paths, {"model": "typed"})
    assert (found.memory, found.model, found.pids) == ("3g", "typed", 64)


@pytest.mark.parametrize("name", ["POCKETCODER_GEMINI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"])
def test_three_names_for_the_key(paths: Paths, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, SECRET)
    key = load_settings(paths).gemini_api_key
    assert key is not None
    assert key.get_secret_value() == SECRET


def test_the_environment_wins_whatever_name_a_file_uses(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.env_file.write_text("POCKETCODER_GEMINI_API_KEY=from-file\n")
    monkeypatch.setenv("GOOGLE_API_KEY", "from-environment")
    key = load_settings(paths).gemini_api_key
    assert key is not None
    assert key.get_secret_value() == "from-environment"


def test_an_empty_variable_is_not_set(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    paths.env_file.write_text("GEMINI_API_KEY=from-file\n")
    monkeypatch.setenv("GEMINI_API_KEY", "")
    monkeypatch.setenv("POCKETCODER_PIDS", "")
    found = load_settings(paths)
    assert found.pids == 512
    assert found.gemini_api_key is not None


def test_an_env_file_of_the_current_folder_is_never_read(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    (paths.workspace / ".env").write_text("POCKETCODER_MODEL=evil\nGEMINI_API_KEY=evil\n")
    (paths.workspace / "config.toml").write_text('model = "evil"\n')
    monkeypatch.chdir(paths.workspace)
    found = load_settings(paths)
    assert found.model == "gemini-3.8-flash"
    assert found.gemini_api_key is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POCKETCODER_PIDS", "many"),
        ("POCKETCODER_CPUS", "0"),
        ("POCKETCODER_MEMORY", "lots"),
        ("POCKETCODER_MEMORY", "4G; rm"),
        ("POCKETCODER_GEMINI_BASE_URL", "ftp://x"),
        ("POCKETCODER_RUNTIME", "../runc"),
        ("POCKETCODER_IMAGE", "-v /:/host"),
        ("POCKETCODER_ASCII", "perhaps"),
    ],
)
def test_a_wrong_value_names_setting_value_and_place(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        load_settings(paths)
    sentence = caught.value.sentence
    assert sentence.startswith(f"{name} is {value!r} in the environment: ")
    assert "\n" not in sentence
    assert "pydantic" not in sentence
    assert caught.value.hint


def test_a_wrong_value_in_a_file_names_the_file(paths: Paths) -> None:
    paths.config_file.write_text("pids = 'many'\n")
    with pytest.raises(ConfigError, match=rf"^pids is 'many' in {paths.config_file}: "):
        load_settings(paths)
    paths.config_file.unlink()
    paths.env_file.write_text("POCKETCODER_PIDS=many\n")
    with pytest.raises(ConfigError, match=rf"^POCKETCODER_PIDS is 'many' in {paths.env_file}: "):
        load_settings(paths)


@pytest.mark.parametrize("name", ["gemini_api_key", "local_secret"])
def test_a_secret_is_never_in_an_error_or_a_repr(paths: Paths, name: str) -> None:
    paths.config_file.write_text(f'{name} = ["{SECRET}"]\n')
    with pytest.raises(ConfigError) as caught:
        load_settings(paths)
    assert variable(name).lower() in caught.value.sentence.lower() or name in caught.value.sentence
    assert SECRET not in caught.value.sentence + caught.value.hint
    assert caught.value.__cause__ is None
    paths.config_file.write_text(f'{name} = "{SECRET}"\n')
    found = load_settings(paths)
    assert SECRET not in repr(found) + str(found) + found.model_dump_json()


def test_an_address_with_a_password_is_not_repeated(paths: Paths) -> None:
    for address, told in ((f"dana:{SECRET}@x.example", False), ("x.example", True)):
        paths.config_file.write_text(f'openai_base_url = "{address}"\n')
        with pytest.raises(ConfigError, match="openai_base_url") as caught:
            load_settings(paths)
        assert SECRET not in caught.value.sentence
        assert ("x.example" in caught.value.sentence) == told


def test_a_misspelt_setting_is_told(paths: Paths) -> None:
    paths.config_file.write_text("memmory = '4g'\n")
    with pytest.raises(ConfigError, match=r"'memmory' in .* is not a setting") as caught:
        load_settings(paths)
    assert caught.value.hint == "Did you mean memory?"
    paths.config_file.unlink()
    paths.env_file.write_text("POCKETCODER_MODLE=x\nOTHER_PROGRAM=1\n")
    with pytest.raises(ConfigError, match=r"'POCKETCODER_MODLE' in .* is not a setting") as caught:
        load_settings(paths)
    assert caught.value.hint == "Did you mean model?"


def test_names_of_other_programs_in_the_env_file_are_left_alone(paths: Paths) -> None:
    paths.env_file.write_text("OTHER_PROGRAM=1\nPATH=/x\nMODEL=no\n")
    assert load_settings(paths).model == "gemini-3.8-flash"


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("config_file", b"model = \n", "not valid TOML"),
        ("config_file", b"\xff\xfe", "not UTF-8"),
        ("env_file", b"GEMINI_API_KEY=\xff\n", "not UTF-8"),
    ],
)
def test_a_broken_file_is_a_sentence(
    paths: Paths, file: str, content: bytes, sentence: str
) -> None:
    path: Path = getattr(paths, file)
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=sentence) as caught:
        load_settings(paths)
    assert str(path) in caught.value.sentence


def test_every_setting_has_a_sentence() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
        assert "\n" not in field.description, name


def test_the_example_file_is_the_one_the_settings_make() -> None:
    committed = Path(__file__).parents[2] / ".env.example"
    assert committed.read_text() == env_example(), (
        "write it again: python -c 'from pocketcoder_tui.config.settings import env_example; "
        'print(env_example(), end="")\' > .env.example'
    )


def test_the_example_with_every_line_switched_on_is_valid(paths: Paths) -> None:
    lines = env_example().splitlines()
    switched = [line.removeprefix("# ") if "=" in line else line for line in lines]
    paths.env_file.write_text("\n".join(switched))
    assert load_settings(paths) == Settings()
    assert len([line for line in switched if "=" in line]) == len(Settings.model_fields)
