"""The first days of an operator, played with an installed newsclust in an empty folder; ends with 1 at a surprise.

    cd EMPTY && FOLDER/bin/python trial.py

Feeds are served on loopback. It takes three to five minutes, most of it for the schedule, which knows whole minutes:
the demonstration is lived meanwhile.
"""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import newsclust as newsclust_package
from newsclust.demo import LoopbackServer, Reply

COMMAND = Path(sys.executable).with_name("newsclust")
HERE = Path.cwd()
NEWS = HERE / "news"
STARTS_WITHIN_S, NIGHT_WITHIN_S = 240, 400  # on two busy cores
MINUTES_AHEAD = 3  # of the schedule: what serving needs to be up, and some
CRANE = """A crane in the old harbour stopped at noon. Nobody in town has a spare bearing. The harbour master expects
one from the mainland by Friday, and until then the two smaller cranes load what they can."""
FERRY = """From Monday on the small ferry leaves a quarter of an hour earlier. The owners say that commuters had asked
for it since spring, when the train to the capital was moved as well."""
GRUE = """La grue du vieux port ne tourne plus depuis midi, faute d'un roulement neuf. La capitainerie en attend un du
continent pour vendredi ; les deux petites grues chargeront ce qu'elles peuvent."""
TOLD = {  # host -> language, outlet, (title, text) of its articles
    "pier.example": ("en", "The Pier", [("Harbour crane stops", CRANE), ("Ferry changes its hours", FERRY)]),
    "quai.example": ("fr", "Le Quai", [("La grue du port est en panne", GRUE)]),
}


def main() -> None:
    """Play each day; a surprise is an AssertionError with what was printed."""
    assert list(HERE.iterdir()) == [], f"{HERE} is not empty"
    assert "site-packages" in newsclust_package.__file__, "not the installed one"
    (HERE / "home").mkdir()
    os.environ["HOME"] = str(HERE / "home")
    with LoopbackServer(site()) as loopback:
        version_and_help()
        a_data_folder(loopback)
        a_first_night()
        a_night_that_fails()
        told = a_disk_that_is_lost()
        a_schedule()
        assert stories() == told
    print("all as expected")


def version_and_help() -> None:
    """Ask for the version, the help and a shell's completion."""
    assert re.fullmatch(r"newsclust \d+\.\d+\.\d+\S*\n", newsclust("--version"))
    assert "status" in newsclust("--help")
    completed = newsclust(more={"_NEWSCLUST_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "newsclust sta"})
    assert "status" in completed, completed
    # It installs for the shell that it was called from.
    subprocess.run(["bash", "-c", '"$0" --install-completion && true', COMMAND], check=True, timeout=60)
    assert list((HERE / "home" / ".bash_completions").iterdir())


def a_data_folder(loopback: LoopbackServer) -> None:
    """Make a data folder, by options; add two feeds; check that a night can be lived."""
    newsclust("init", expect=2)  # nobody can be asked here, and a contact cannot be invented
    newsclust("init", "news", "--contact", "https://operator.example/newsclust", "--timezone", "UTC")
    assert "nothing was changed" in newsclust("init", "news", "--contact", "me@operator.example", expect=2)
    settings = NEWS / "newsclust.toml"
    options = {"connect_to": loopback.connect_to, "ca_file": str(loopback.ca_file), "host_pause_s": 0.0}
    lines = [f"{key} = {toml(value)}" for key, value in options.items()]
    with settings.open("a", encoding="utf-8") as file:  # the internet of this folder is on loopback
        file.write("\n[fetch.options]\n" + "\n".join(lines) + "\n")
    os.environ["NEWSCLUST_CONFIG"] = str(settings)
    assert "No night has run yet" in newsclust("status", expect=1)
    for host in TOLD:
        assert "Added to" in newsclust("feeds", "add", f"https://{host}/feed")
    assert "The Pier" in newsclust("feeds", "list")
    newsclust("check")


def a_first_night() -> None:
    """Live one night; ask how it went and what it found."""
    newsclust("night", within=NIGHT_WITHIN_S)
    assert newsclust("status", "--check").startswith("newsclust ok")
    assert "finished" in newsclust("status")
    found = newsclust("query", "--format", "csv", "select title from internal.articles order by title")
    assert found.splitlines()[1:] == sorted(title for _, _, told in TOLD.values() for title, _ in told), found
    assert "Harbour crane stops" in newsclust("top", "--format", "csv")


def a_night_that_fails() -> None:
    """Break the list of feeds: the night ends with 2, and everybody who asks is told."""
    feeds = NEWS / "feeds.toml"
    whole = feeds.read_text(encoding="utf-8")
    feeds.write_text(whole + 'tags = "not a list"\n', encoding="utf-8")
    newsclust("night", expect=2, within=NIGHT_WITHIN_S)
    assert newsclust("status", "--check", expect=2).startswith("newsclust critical")
    feeds.write_text(whole, encoding="utf-8")


def a_disk_that_is_lost() -> str:
    """Lose the working file and bring it back, then from the published one alone; return the stories until then."""
    told = stories()
    (HERE / "backups").mkdir()
    newsclust("backup", str(HERE / "backups"))
    (backup,) = (HERE / "backups").iterdir()
    working = NEWS / "newsclust.duckdb"
    working.unlink()
    assert "newsclust restore" in newsclust("night", expect=3, within=NIGHT_WITHIN_S)
    newsclust("restore", str(backup))
    working.unlink()
    newsclust("restore")
    return told


def a_schedule() -> None:
    """Serve, with the hour some minutes ahead; see by Prefect's API that the night was scheduled and completed."""
    hour = datetime.now(UTC) + timedelta(minutes=MINUTES_AHEAD + 1)
    with served(f"{hour:%H:%M}"):
        access = access_of(NEWS / "prefect" / "access.env")
        demonstration()
        deadline = time.monotonic() + 60 * (MINUTES_AHEAD + 1) + NIGHT_WITHIN_S
        runs: list[dict[str, Any]] = []
        while time.monotonic() < deadline:
            runs = asked(access, "/flow_runs/filter", {"flow_runs": {"start_time": {"is_null_": False}}})
            if runs and runs[0]["state_type"] not in ("RUNNING", "PENDING", "SCHEDULED"):
                break
            time.sleep(2)
        assert [(run["state_type"], run["auto_scheduled"]) for run in runs] == [("COMPLETED", True)], runs
        said(f"scheduled for {runs[0]['expected_start_time']}, begun {runs[0]['start_time']}")
    assert newsclust("status", "--check").startswith("newsclust ok")


def stories() -> str:
    """Return which article is in which story, as it is published."""
    return newsclust("query", "--format", "csv", "select article_id, story_id from story_timeline order by all")


def demonstration() -> None:
    """Live the three nights of the sample from the installed files alone."""
    told = newsclust("demo", within=2 * NIGHT_WITHIN_S, more={"NEWSCLUST_CONFIG": ""})
    assert "Night 3 of 3" in told, told
    assert "What to try next" in told, told


# ---------------------------------------------------------------- running it


@contextmanager
def served(hour: str) -> Iterator[None]:
    """Run `newsclust serve` inside the context, and end it as systemd does; it must take its server with it."""
    log = HERE / "serve.log"
    said(f"newsclust serve, at {hour} UTC")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [COMMAND, "serve"], env=os.environ | {"NEWSCLUST_NIGHT__AT": hour}, stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not (NEWS / "prefect" / "access.env").exists() or not server_answers():
            assert process.poll() is None, f"serve ended: {log.read_text()}"
            assert time.monotonic() < deadline, f"serve did not start: {log.read_text()}"
            time.sleep(0.5)
        yield
    except BaseException:
        print(log.read_text(encoding="utf-8", errors="replace"))
        raise
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=90)
    assert code == 0, f"serve ended with {code}: {log.read_text()}"
    assert not server_answers(), "serve has left its Prefect server behind"


def server_answers() -> bool:
    """Return whether the Prefect server of `serve` answers."""
    url = access_of(NEWS / "prefect" / "access.env")["PREFECT_API_URL"]
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def access_of(file: Path) -> dict[str, str]:
    """Return address and password, as `serve` wrote them."""
    return dict(line.split("=", 1) for line in file.read_text(encoding="utf-8").splitlines())


def asked(access: dict[str, str], path: str, body: dict[str, Any]) -> Any:
    """Return what Prefect's API answers."""
    secret = base64.b64encode(access["PREFECT_API_AUTH_STRING"].encode()).decode()
    request = urllib.request.Request(
        access["PREFECT_API_URL"] + path,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Basic {secret}"},
    )
    for _ in range(20):
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except OSError as error:  # 503: SQLite is locked, on a busy machine
            last = error
            time.sleep(1)
    raise AssertionError(f"{path}: {last}")


def newsclust(*arguments: str, expect: int = 0, within: float = 120, more: dict[str, str] | None = None) -> str:
    """Run one command as an operator does, without a terminal; return what it printed, on both outputs."""
    began = time.monotonic()
    variables = {name: value for name, value in (os.environ | (more or {})).items() if value}
    done = subprocess.run(
        [COMMAND, *arguments],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=within,
        check=False,
    )
    said(f"newsclust {' '.join(arguments)}: {done.returncode}, {time.monotonic() - began:.1f} s")
    assert done.returncode == expect, f"exit code {done.returncode}, not {expect}:\n{done.stdout}"
    return done.stdout


def said(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def toml(value: Any) -> str:
    """Return a value as TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{toml(key)} = {toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value)


# ---------------------------------------------------------------- what is served


def site() -> dict[str, Reply]:
    """Return feeds and pages of two small outlets."""
    shown: dict[str, Reply] = {}
    at = datetime.now(UTC) - timedelta(hours=3)
    for host, (language, outlet, told) in TOLD.items():
        items = ""
        for number, (title, text) in enumerate(told):
            link = f"https://{host}/{number}"
            items += (
                f"<item><title>{title}</title><link>{link}</link><guid>{link}</guid>"
                f"<pubDate>{at:%a, %d %b %Y %H:%M:%S} GMT</pubDate><description>{text}</description></item>"
            )
            article = f"<article><h1>{title}</h1><p>{text}</p></article>"
            shown[link] = Reply(body=f"<html lang='{language}'><title>{title}</title>{article}</html>".encode())
        channel = f"<channel><title>{outlet}</title><language>{language}</language>{items}</channel>"
        feed = f"<rss version='2.0'>{channel}</rss>".encode()
        shown[f"https://{host}/feed"] = Reply(body=feed, content_type="application/rss+xml; charset=utf-8")
    return shown


if __name__ == "__main__":
    main()
