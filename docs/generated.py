"""Hook of mkdocs (see mkdocs.yml): the generated pages join those that are written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File

from clients.reference import PAGES

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

CODE = re.compile(r"<code>[^<\n]*</code>")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for path, page in PAGES.items():
        files.append(File.generated(config, path, content=page()))
    return files


def on_page_content(html: str, **_: Any) -> str:  # noqa: ANN401 - whatever mkdocs tells besides
    r"""Take `\|` in code for `|`: others than mkdocs show tables only when they are written so."""
    return CODE.sub(lambda found: found[0].replace("\\|", "|"), html)
