"""The README says what the code says."""

import re

from tests.cli import event_tables
from tests.cli.tables import ROOT, filled


def test_the_tables_are_those_of_the_code() -> None:
    readme = (ROOT / "README.md").read_text()
    assert readme == filled(readme), "run: uv run python -m tests.cli.tables"


def test_what_it_links_to_is_there() -> None:
    for page in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        links = re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / page).read_text())
        missing = [link for link in links if not (ROOT / link).exists()]
        assert not missing, page


def test_the_page_of_events_is_made_from_the_code() -> None:
    assert event_tables.PAGE.read_text() == event_tables.page()
