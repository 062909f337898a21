"""The notebook runs on a published database, shows its charts to every viewer, and says what it lacks."""

import base64
import json
import re
import struct
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import duckdb
import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "explore_stories.ipynb"
VEGA_LITE = "application/vnd.vegalite.v5+json"
CHARTS = ("most-told", "topic-days", "map-picture", "timeline")


@pytest.fixture(scope="module")
def own_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The kernel `python3` is this interpreter, and Jupyter keeps all its files in a temporary folder."""
    home = tmp_path_factory.mktemp("jupyter")
    kernel = home / "shared" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel.write_text(json.dumps({"argv": command, "display_name": "Python 3", "language": "python"}))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("JUPYTER_PATH", str(home / "shared"))
        environment.setenv("IPYTHONDIR", str(home / "ipython"))
        for part in ("CONFIG", "DATA", "RUNTIME"):
            environment.setenv(f"JUPYTER_{part}_DIR", str(home / part.lower()))
        yield


@pytest.fixture(scope="module")
def published(demo_folder: Path) -> Path:
    return demo_folder / "published" / "newsclust.duckdb"


@pytest.fixture(scope="module")
def executed(own_kernel: None, published: Path, tmp_path_factory: pytest.TempPathFactory) -> NotebookNode:
    """The notebook after its execution on the sample, with one more table, of a text with markup."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    markup = "SELECT '<script>' AS title, NULL AS reason, ['en', 'fr'] AS languages"
    notebook.cells.append(new_code_cell(f'table(db.sql("{markup}"))', id="marked-up"))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NEWSCLUST_PUBLISHED", str(published))
        return execute(notebook, tmp_path_factory.mktemp("notebook"))


def execute(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Return the notebook executed in a folder; an error in a cell is raised."""
    return NotebookClient(
        notebook, timeout=180, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()


def cell(notebook: NotebookNode, name: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if cell.id == name)


def shown(notebook: NotebookNode, name: str) -> NotebookNode:
    """Return the only output of a cell, by MIME type."""
    (output,) = cell(notebook, name).outputs
    return output.data


def values(spec: NotebookNode) -> list[list[NotebookNode]]:
    """Return the rows of each data set of a chart."""
    inline = [layer["data"]["values"] for layer in spec.get("layer", []) if "values" in layer.get("data", {})]
    return [*inline, *spec.get("datasets", {}).values()]


@pytest.mark.parametrize("chart", CHARTS)
def test_every_chart_is_shown_interactive_and_as_a_picture(executed: NotebookNode, chart: str) -> None:
    data = shown(executed, chart)
    png = base64.b64decode(data["image/png"])
    width, height = struct.unpack(">II", png[16:24])
    assert png.startswith(b"\x89PNG")
    assert 900 <= width <= 1400
    assert 250 <= height <= 1400
    assert len(png) > 0.08 * width * height  # bytes; a blank picture takes 0.025 a pixel, these 0.16 and more
    assert data[VEGA_LITE]["$schema"].endswith("/vega-lite/v5.json")
    assert all(values(data[VEGA_LITE]))


def test_no_cell_complains(executed: NotebookNode) -> None:
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    assert [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"] == []


def test_the_map_has_a_point_for_every_living_story(executed: NotebookNode, published: Path) -> None:
    with duckdb.connect(published, read_only=True) as db:
        living = db.sql("SELECT headline, articles FROM current_stories").fetchall()
    points = values(shown(executed, "map-picture")[VEGA_LITE])[0]
    assert sorted((point["headline"], point["articles"]) for point in points) == sorted(living)
    assert len({(point["x"], point["y"]) for point in points}) == len(points)


def test_the_labels_of_the_map_lie_inside_it_and_apart(executed: NotebookNode) -> None:
    spec = shown(executed, "map-picture")[VEGA_LITE]
    boxes = [box_of(label) for label in values(spec)[1]]
    assert 6 <= len(boxes) <= 12
    assert all(left >= 0 and right <= spec["width"] for left, _, right, _ in boxes)
    assert all(bottom >= 0 and top <= spec["height"] for _, bottom, _, top in boxes)
    assert not [
        (a, b) for a, b in combinations(boxes, 2) if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]


def box_of(label: NotebookNode) -> tuple[float, float, float, float]:
    """Return left, bottom, right and top of a label in pixels: lines of 12, letters of 5 on the average."""
    lines = label["text"].split("\n")
    width = 5 * max(len(line) for line in lines)
    left = label["x"] - {"left": 0.0, "center": 0.5, "right": 1.0}[label["align"]] * width
    return left, label["y"] - 12 * len(lines), left + width, label["y"]


def test_the_timeline_tells_a_story_of_both_languages(executed: NotebookNode) -> None:
    (articles,) = values(shown(executed, "timeline")[VEGA_LITE])
    assert {article["language"] for article in articles} == {"English", "French"}
    assert min(article["hours"] for article in articles) == 0


def test_a_table_shows_markup_as_text(executed: NotebookNode) -> None:
    data = shown(executed, "marked-up")
    assert "<script>" not in data["text/html"]
    assert "&lt;script&gt;" in data["text/html"]
    assert data["text/plain"] == "title | reason | languages\n<script> | – | en, fr"


def test_the_queries_it_proposes_run(executed: NotebookNode, published: Path) -> None:
    queries = re.findall(r"```sql\n(.*?)```", cell(executed, "next").source, flags=re.DOTALL)
    assert len(queries) == 3
    with duckdb.connect(published, read_only=True) as db:
        assert all(db.sql(query).fetchall() for query in queries)


@pytest.mark.parametrize("named", [None, "elsewhere.duckdb"])
def test_a_missing_database_is_said_with_the_way_to_get_one(
    own_kernel: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells = [cell(notebook, "open")]
    (tmp_path / "notebooks").mkdir()
    if named is not None:  # the named file counts, whatever else is there
        (tmp_path / "data" / "published").mkdir(parents=True)
        duckdb.connect(tmp_path / "data" / "published" / "newsclust.duckdb").close()
        monkeypatch.setenv("NEWSCLUST_PUBLISHED", named)
    place = named or "../data/demo/published/newsclust.duckdb"
    with pytest.raises(CellExecutionError, match=rf"No published database at {re.escape(place)}.*make demo"):
        execute(notebook, tmp_path / "notebooks")


def test_the_stored_notebook_shows_its_charts_and_is_small() -> None:
    stored = nbformat.read(NOTEBOOK, as_version=4)
    assert all({"image/png", VEGA_LITE} <= shown(stored, chart).keys() for chart in CHARTS)
    assert shown(stored, "night-summary")["text/html"].count("<tr>") > 1
    assert NOTEBOOK.stat().st_size < 1_500_000
