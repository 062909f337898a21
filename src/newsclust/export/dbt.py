"""sources.yml for dbt: the views of the published file as sources, with their comments.

https://docs.getdbt.com/reference/source-properties
"""

import json
from collections.abc import Sequence
from pathlib import Path

from newsclust.errors import SettingsError, StoreError
from newsclust.export.catalog import PublishedView
from newsclust.written import replace_file

FILE = "sources.yml"
_HEAD = "# Written by `newsclust export --dbt`, which replaces it."


def sources_yml(views: Sequence[PublishedView], *, name: str = "newsclust") -> str:
    """Return sources.yml; `name` is that of the source, and of the database that a profile attaches the file as.

    Texts are written as JSON, which YAML 1.2 holds.
    """
    lines = [
        _HEAD,
        "# profiles.yml of dbt-duckdb attaches the file, read-only:",
        "#   attach:",
        f"#     - {{path: PATH, alias: {name}, read_only: true}}",
        "version: 2",
        "",
        "sources:",
        f"  - name: {name}",
        f"    database: {name}",
        "    schema: main",
        f"    description: {_text('Tech news as stories and topics, published by newsclust; times are UTC.')}",
        "    tables:",
    ]
    for view in views:
        lines += [f"      - name: {view.name}", f"        description: {_text(view.comment)}", "        columns:"]
        for column in view.columns:
            lines += [
                f"          - name: {column.name}",
                f"            data_type: {_text(column.type.lower())}",
                f"            description: {_text(column.comment)}",
            ]
    return "\n".join(lines) + "\n"


def write_sources(folder: Path, views: Sequence[PublishedView]) -> Path:
    """Write sources.yml into a folder, of a dbt project's models; SettingsError when another one stands there."""
    path = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.read_text(encoding="utf-8").startswith(_HEAD):
            raise SettingsError(f"{path} was not written by `newsclust export --dbt`: move it away, or name a folder")
        replace_file(path, sources_yml(views))
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error
    return path


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
