"""The documentation site: it builds strictly, leads nowhere wrong, needs nobody else, and its reference is whole."""

import html
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from pydantic import BaseModel

from clients.main import COMMANDS
from clients.manual.pages import page as help_of
from clients.reference import PAGES
from clients.reference.settings import Part, parts
from clients.reference.topics import CARRIES, schema_of
from tests.docs.console import ROOT
from topics.definitions import TOPICS
from topics.fields import fields
from topics.filter.words import every_word
from topics.schema import flow_fields, schema_names

LEADS = re.compile(r'<(?:a|area)\b[^>]*?\bhref="([^"]*)"')
LOADS = re.compile(r'<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)="([^"]*)"')
NAMES = re.compile(r'\b(?:id|name)="([^"]*)"')
STYLED = re.compile(r"url\(\s*[\"']?(?:https?:)?//|@import\s+[\"']?(?:https?:)?//")
README_LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does; a warning would end it."""
    place = tmp_path_factory.mktemp("site")
    build(load_config(str(ROOT / "mkdocs.yml"), strict=True, site_dir=str(place)))
    return place


def whole(site: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(site.rglob("*.html")):
        if path.name != "404.html":
            yield path, path.read_text()


def test_no_link_leads_nowhere(site: Path) -> None:
    pages = dict(whole(site))
    names = {path.resolve(): set(map(html.unescape, NAMES.findall(text))) for path, text in pages.items()}
    lost = []
    for path, text in pages.items():
        for link in {*LEADS.findall(text), *LOADS.findall(text)}:
            parts = urlsplit(html.unescape(link))
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            target = target / "index.html" if target.is_dir() else target
            if not target.exists() or (parts.fragment and unquote(parts.fragment) not in names.get(target, set())):
                lost.append(f"{path.relative_to(site)}: {link}")
    assert lost == []


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for path, text in whole(site):
        assert [link for link in LOADS.findall(text) if re.match(r"(https?:)?//", link)] == [], path
        assert 'class="mermaid"' not in text, "Material would load mermaid from elsewhere"
    for path in site.rglob("*.css"):
        assert not STYLED.search(path.read_text()), path


def test_pages_of_the_readme_exist() -> None:
    links = [link for link in README_LINK.findall((ROOT / "README.md").read_text()) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@cache
def reference(name: str) -> str:
    return PAGES[f"reference/{name}.md"]()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_reference(name: str) -> None:
    _, _, section = reference("commands").partition(f"### argosy {name}\n")
    section, _, _ = section.partition("\n### ")
    assert section
    assert [option for option in help_of(name).options if option not in section] == []


def test_every_field_is_in_the_reference() -> None:
    assert [name for name in fields() if f"| `{name}` |" not in reference("fields")] == []


def test_every_word_of_filters_is_in_the_reference() -> None:
    assert [word for word in sorted(every_word()) if f"`{word}`" not in reference("filters")] == []


def test_every_topic_and_schema_is_in_the_reference() -> None:
    page = reference("topics")
    assert [topic.name for topic in TOPICS if f"| `{topic.name}` |" not in page] == []
    assert [name for name in schema_names() if f"### {name}\n" not in page] == []
    assert [field.name for field in flow_fields() if f"| `{field.name}` |" not in page] == []


def test_every_topic_of_records_names_its_schema() -> None:
    assert [topic.name for topic in TOPICS if not schema_of(topic.name)] == ["argosy.schemas.v1"]
    assert set(CARRIES.values()) == set(schema_names())


def keys(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        yield field.alias or name, field.description or ""


@pytest.mark.parametrize("part", parts(), ids=lambda part: part.title)
def test_every_setting_is_in_the_reference(part: Part) -> None:
    _, _, section = reference("settings").partition(f"\n## {part.title}\n")
    section, _, _ = section.partition("\n## ")
    assert [key for key, _ in keys(part.model) if f"| `{key}` |" not in section] == []
    assert [key for key, text in keys(part.model) if not text] == []


def test_code_in_tables_is_shown_as_it_is_typed(site: Path) -> None:
    for path, text in whole(site):
        assert re.findall(r"<code>[^<\n]*\\\|[^<\n]*</code>", text) == [], path
    assert "-Z s|d|b" in (site / "reference" / "commands.html").read_text()


def test_every_page_has_its_place(site: Path) -> None:
    linked = set(LEADS.findall((site / "index.html").read_text()))
    pages = {path.relative_to(site).as_posix() for path, _ in whole(site)}
    assert pages - linked - {"index.html"} == set()
