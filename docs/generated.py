"""Hook of mkdocs (see mkdocs.yml): generated pages join those that are written, and all of them have their place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File

from clients.reference import PAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

CODE = re.compile(r"<code>[^<\n]*</code>")
SECTIONS = {"guides": "Guides", "reference": "Reference", "explanation": "Explanation"}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put a page that `nav` does not list last into the section of its directory; those beside it into Reference."""
    nav: list[Any] = config.nav or []
    listed = set(_pages(nav))
    for path in sorted(Path(config.docs_dir).rglob("*.md")):
        page = path.relative_to(config.docs_dir).as_posix()
        if page not in listed:
            title = SECTIONS.get(page.partition("/")[0], "Reference")
            next(entry[title] for entry in nav if title in entry).append(page)
    return config


def _pages(nav: Any) -> Iterator[str]:  # noqa: ANN401 - YAML of any shape
    if isinstance(nav, str):
        yield nav
    for each in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from _pages(each)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for path, page in PAGES.items():
        files.append(File.generated(config, path, content=page()))
    return files


def on_page_content(html: str, **_: Any) -> str:  # noqa: ANN401 - whatever mkdocs tells besides
    r"""Take `\|` in code for `|`: others than mkdocs show tables only when they are written so."""
    return CODE.sub(lambda found: found[0].replace("\\|", "|"), html)
