"""Hook of mkdocs (see mkdocs.yml): the generated pages join those that are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mkdocs.structure.files import File

from clients.reference import PAGES

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for path, page in PAGES.items():
        files.append(File.generated(config, path, content=page()))
    return files
