"""What describes an exported folder to other programs: a Data Package and Croissant, from the file's own comments.

Data Package: https://specs.frictionlessdata.io/tabular-data-package/; Croissant 1.0:
https://docs.mlcommons.org/croissant/docs/croissant-spec.html.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from newsclust.export.catalog import PublishedView, ViewColumn

DATA_PACKAGE, CROISSANT = "datapackage.json", "croissant.json"
WRITER = "newsclust export"  # in the Data Package: the folder may be replaced by the next one
_TITLE = "Tech news as stories and topics"
_ABOUT = (
    "Articles of tech news in English and French, grouped into stories (one event each, whatever the outlet or "
    "language) and topics, as newsclust published them. Times are UTC."
)
_RIGHTS = "Titles and texts belong to their publishers; what they allow holds."
_LIST = re.compile(r"^(?P<item>.+)\[\d*\]$")
_CONTEXT: dict[str, Any] = {  # as the specification gives it
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


class ExportFormat(StrEnum):
    """How the views of an exported folder are written; the value is the files' ending."""

    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"


_MEDIA = {  # of IANA, where it has one; what Croissant's reader calls JSON Lines
    ExportFormat.PARQUET: ("application/vnd.apache.parquet", "application/x-parquet"),
    ExportFormat.CSV: ("text/csv", "text/csv"),
    ExportFormat.JSONL: ("application/jsonl", "application/jsonlines"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """A view as it was written."""

    view: PublishedView
    path: str  # in the folder
    rows: int
    size: int  # bytes
    sha256: str
    since: datetime | None = None  # rows of its time column before this were left out


def data_package(files: Sequence[ExportedFile], form: ExportFormat, night: datetime | None) -> dict[str, Any]:
    """Return the Data Package of an exported folder."""
    package: dict[str, Any] = {
        "profile": "tabular-data-package" if form is ExportFormat.CSV else "data-package",
        "name": "newsclust",
        "title": _TITLE,
        "description": _ABOUT,
        "version": _version(night),
        "created": None if night is None else f"{night.isoformat()}Z",
        "createdBy": WRITER,
        "licenses": [{"name": "notspecified", "title": _RIGHTS}],
        "resources": [_resource(file, form) for file in files],
    }
    return {key: value for key, value in package.items() if value is not None}


def croissant(files: Sequence[ExportedFile], form: ExportFormat, night: datetime | None) -> dict[str, Any]:
    """Return the Croissant metadata (JSON-LD) of an exported folder."""
    described: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": "newsclust",
        "description": _ABOUT,
        "license": _RIGHTS,
        "citeAs": f"newsclust, the night of {night:%Y-%m-%d}" if night else "newsclust",
        "version": _version(night),
        "datePublished": None if night is None else f"{night:%Y-%m-%d}",
        "inLanguage": ["en", "fr"],
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": file.path,
                "name": file.path,
                "description": file.view.comment,
                "contentUrl": file.path,
                "contentSize": f"{file.size} B",
                "encodingFormat": _MEDIA[form][1],
                "sha256": file.sha256,
            }
            for file in files
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": file.view.name,
                "name": file.view.name,
                "description": file.view.comment,
                "field": [
                    _croissant_field(file, column, form)
                    for column in file.view.columns
                    # Croissant has no maps; in CSV they are texts: JSON.
                    if form is ExportFormat.CSV or not column.type.startswith(("MAP", "STRUCT"))
                ],
            }
            for file in files
        ],
    }
    return {key: value for key, value in described.items() if value is not None}


def _resource(file: ExportedFile, form: ExportFormat) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "profile": "tabular-data-resource" if form is ExportFormat.CSV else "data-resource",
        "name": file.view.name,
        "path": file.path,
        "description": file.view.comment,
        "format": form.value,
        "mediatype": _MEDIA[form][0],
        "rows": file.rows,
        "schema": {
            "fields": [
                {"name": column.name, "description": column.comment, **_field_type(column, form)}
                for column in file.view.columns
            ],
            "missingValues": [""],
        },
    }
    if (
        form is not ExportFormat.PARQUET
    ):  # whose readers do not count bytes: frictionless 5.21 calls all of them wrong
        resource |= {"encoding": "utf-8", "bytes": file.size, "hash": f"sha256:{file.sha256}"}
    if form is ExportFormat.CSV:
        resource["dialect"] = {"delimiter": ",", "lineTerminator": "\n", "quoteChar": '"', "doubleQuote": True}
    if file.since is not None:
        resource["since"] = {"column": file.view.time_column, "moment": f"{file.since.isoformat()}Z"}
    return resource


def _field_type(column: ViewColumn, form: ExportFormat) -> dict[str, str]:
    """Return a column's type as Table Schema has it; a Parquet file says itself what its lists and maps hold."""
    kind = column.type
    if (found := _LIST.match(kind)) or kind.startswith(("MAP", "STRUCT")):
        return {"type": "any" if form is ExportFormat.PARQUET else "array" if found else "object"}
    return dict(_TABLE_SCHEMA.get(kind.partition("(")[0], {"type": "string"}))


def _croissant_field(file: ExportedFile, column: ViewColumn, form: ExportFormat) -> dict[str, Any]:
    found = _LIST.match(column.type)
    kind = _CROISSANT_TYPES.get((found["item"] if found else column.type).partition("(")[0], "sc:Text")
    if kind == "sc:Text" and re.search(r"(^|_)url$", column.name):
        kind = "sc:URL"
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{file.view.name}/{column.name}",
        "name": column.name,
        "description": column.comment,
        # In CSV a list is a text: JSON.
        "dataType": "sc:Text" if found and form is ExportFormat.CSV else kind,
        "source": {"fileObject": {"@id": file.path}, "extract": {"column": column.name}},
    }
    if found and form is not ExportFormat.CSV:
        field["repeated"] = True
    return field


def _version(night: datetime | None) -> str | None:
    return None if night is None else f"{night.year}.{night.month}.{night.day}"


_FRACTIONS = ("DOUBLE", "FLOAT", "DECIMAL")
_WHOLES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UBIGINT", "HUGEINT")
_TABLE_SCHEMA: Mapping[str, Mapping[str, str]] = {
    "BOOLEAN": {"type": "boolean"},
    "DATE": {"type": "date"},
    "TIMESTAMP": {"type": "datetime", "format": "any"},
    "TIMESTAMP WITH TIME ZONE": {"type": "datetime", "format": "any"},
    **{kind: {"type": "number"} for kind in _FRACTIONS},
    **{kind: {"type": "integer"} for kind in _WHOLES},
}
_CROISSANT_TYPES: Mapping[str, str] = {
    "BOOLEAN": "sc:Boolean",
    "DATE": "sc:Date",
    "TIMESTAMP": "sc:DateTime",
    "TIMESTAMP WITH TIME ZONE": "sc:DateTime",
    **dict.fromkeys(_FRACTIONS, "sc:Float"),
    **dict.fromkeys(_WHOLES, "sc:Integer"),
}
