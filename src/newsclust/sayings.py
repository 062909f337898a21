"""Files of what people say: one JSON object a line, only ever added to."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from newsclust.errors import SettingsError

Saying = TypeVar("Saying", bound=BaseModel)


def read_sayings(path: Path, kind: type[Saying]) -> Iterator[tuple[int, Saying]]:
    """Give each line with its number, in order; none when there is no file. SettingsError names file and line."""
    if not path.exists():
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            said = kind.model_validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise SettingsError(f"{path}, line {number}: {where}: {first['msg']}") from error
        yield number, said


def append_saying(path: Path, said: BaseModel) -> None:
    """Add one line to the file, which is made when there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(said.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False)
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
