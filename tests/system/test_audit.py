"""`yuefu audit`: every write of an operator is in it, and whatever is done to it past us is found."""

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest
from click.testing import CliRunner
from tests.unit.server import conftest as centres

from yuefu.server.cli import commands

template = centres.template
DATABASE = "yuefu.sqlite3"
SONG, OTHER = "100000001", "100000002"


class Operator:
    """Somebody at the command line of an installation of his own."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def __call__(self, *arguments: str | Path, exit_code: int = 0) -> str:
        done = CliRunner().invoke(commands, [*map(str, arguments), "--data", str(self.data)])
        told = done.output if isinstance(done.exception, SystemExit | None) else f"{done.output}{done.exception}"
        assert done.exit_code == exit_code, told
        return told

    def entries(self, *options: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self("audit", "list", "--json", *options))
        return found

    def do_past_us(self, statement: str) -> None:
        """What somebody does who may write to the file, and has dropped the triggers."""
        with closing(apsw.Connection(str(self.data / DATABASE))) as raw:
            for trigger in ("audit_is_never_edited", "audit_is_never_deleted"):
                raw.execute(f"DROP TRIGGER IF EXISTS {trigger}")
            raw.execute(statement)


@pytest.fixture
def operator(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    monkeypatch.setenv("LOGNAME", "mei")
    shutil.copytree(template, tmp_path / "data")
    return Operator(tmp_path / "data")


FACTS = f"song_id,title\n{SONG},新名\n{OTHER},旧名\n"
TAGS = "group_id,group_name,tag_id,tag_name,song_id\n9,心情,91,甜,100000001\n"
CHARTS = "vendor_id,top_id,song_id\n1,七夕,100000001\n"

IN_TURN: tuple[tuple[tuple[str, ...], str, list[tuple[str, str]]], ...] = (
    (("song", "edit", SONG, "--title", "茉莉"), "", [("song.edit", f"song {SONG}")]),
    (("song", "edit", SONG, "--title", "茉莉"), "", []),
    (("song", "import", "table.csv", "--dry-run"), FACTS, []),
    (("song", "import", "table.csv"), FACTS, [("song.edit", f"song {SONG}"), ("song.edit", f"song {OTHER}")]),
    (("song", "remove", SONG, OTHER), "", [("song.remove", f"song {SONG}"), ("song.remove", f"song {OTHER}")]),
    (("import", "songs", "--vendor", "1", "--dry-run"), "", []),
    (("import", "songs", "--vendor", "1"), "", [("song.import", "vendor 1"), ("song.imported", "vendor 1")]),
    (("deal", "add", "--song", "100000003", "--rights", "both"), "", [("deal.record", "song 100000003")]),
    (("deal", "end", "--song", "100000003"), "", [("deal.record", "song 100000003")]),
    (
        ("takedown", "--song", "100000003", "--reason", "信函"),
        "",
        [("takedown", "case 1"), ("takedown.lay", "song 100000003")],
    ),
    (("takedown", "--undo", "1"), "", [("takedown.lift", "song 100000003"), ("takedown.undo", "case 1")]),
    (("app", "create", "新", "--id", "5", "--vendor", "1"), "", [("app.create", "app 5")]),
    (("app", "grant", "5", "--scene", "1"), "", [("app.grant", "app 5")]),
    (("app", "rotate-secret", "5"), "", [("app.rotate-secret", "app 5")]),
    (("app", "rotate-secret", "5", "--finish"), "", [("app.finish-rotation", "app 5")]),
    (("app", "disable", "5"), "", [("app.disable", "app 5")]),
    (("app", "enable", "5"), "", [("app.enable", "app 5")]),
    (("tag", "group", "add", "1", "心情"), "", [("tag-group.set", "tag group 1")]),
    (("tag", "add", "11", "甜", "--group", "1"), "", [("tag.set", "tag 11")]),
    (("tag", "songs", "11", "100000003"), "", [("tag.songs", "tag 11")]),
    (("tag", "remove", "11"), "", [("tag.remove", "tag 11")]),
    (("tag", "group", "remove", "1"), "", [("tag-group.remove", "tag group 1")]),
    (("tag", "import", "table.csv", "--dry-run"), TAGS, []),
    (("tag", "import", "table.csv"), TAGS, [("tag.import", "tags")]),
    (("chart", "set", "七夕", "100000003", "--vendor", "1"), "", [("chart.set", "chart 七夕 of vendor 1")]),
    (("chart", "rule", "七夕", "--vendor", "1", "--days", "7"), "", [("chart.rule", "chart 七夕 of vendor 1")]),
    (("chart", "compute", "七夕"), "", [("chart.compute", "chart 七夕 of vendor 1")]),
    (("chart", "remove", "七夕", "--vendor", "1"), "", [("chart.remove", "chart 七夕 of vendor 1")]),
    (("chart", "import", "table.csv"), CHARTS, [("chart.import", "charts")]),
)


def test_every_write_is_in_the_audit_and_nothing_else(
    operator: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "songs").mkdir()
    monkeypatch.chdir(tmp_path)
    count = len(operator.entries())
    for arguments, given, expected in IN_TURN:
        (tmp_path / "table.csv").write_text(given, "utf-8")
        operator(*arguments, exit_code=int(arguments[0] == "import"))  # there are no songs in that folder
        written = operator.entries("--after", str(count))
        assert [(entry["action"], entry["subject"]) for entry in written] == expected, arguments
        assert all(entry["actor"] == "cli:mei" and entry["origin"] for entry in written)
        count += len(written)
    assert json.loads(operator("audit", "verify", "--json"))["entries"] == count


def test_a_write_that_is_refused_is_not_in_the_audit(operator: Operator) -> None:
    for arguments in (
        ("app", "create", "新", "--id", "12345", "--vendor", "1"),
        ("app", "rotate-secret", "12345", "--finish"),
        ("song", "edit", "7", "--title", "x"),
        ("song", "remove", SONG, "7"),
        ("chart", "set", "七夕", "7", "--vendor", "1"),
        ("tag", "remove", "7"),
        ("takedown", "--song", "7", "--reason", "x"),
    ):
        operator(*arguments, exit_code=1)
    assert operator.entries() == []


def test_entries_tell_what_changed_and_no_secret(operator: Operator) -> None:
    made = json.loads(operator("app", "create", "新", "--id", "5", "--vendor", "1", "--json"))
    operator("app", "grant", "5", "--scene", "1", "--quota", "QuerySong=5")
    rotated = json.loads(operator("app", "rotate-secret", "5", "--json"))
    key = json.loads(operator("admin", "key", "create", "--role", "finance", "--name", "账房", "--json"))
    entries = operator.entries()
    assert entries[1]["detail"] == {
        "quotas": {"before": {}, "after": {"QuerySong": 5}},
        "scenes": {"before": [1, 2, 3, 4], "after": [1]},
    }
    assert entries[2]["detail"] == {"live_secrets": {"before": 1, "after": 2}}
    assert (entries[3]["subject"], entries[3]["detail"]) == (
        f"admin key {key['key_id']}",
        {"name": "账房", "role": "finance"},
    )
    told = json.dumps(entries, ensure_ascii=False) + operator("audit", "list")
    for secret in (made["server_secret"], rotated["server_secret"], key["key"]):
        assert secret not in told


def test_what_was_done_to_the_audit_past_us_is_found(operator: Operator) -> None:
    for title in ("甲", "乙", "丙"):
        operator("song", "edit", SONG, "--title", title)
    told = json.loads(operator("audit", "verify", "--json"))
    assert told == {"ok": True, "entries": 3, "head": operator.entries()[-1]["hash"]}
    assert f"3 entries, unbroken. Head: {told['head']}" in operator("audit", "verify", "--head", told["head"])
    operator.do_past_us("DELETE FROM audit WHERE entry_id = 3")
    assert json.loads(operator("audit", "verify", "--json"))["entries"] == 2
    gone = json.loads(operator("audit", "verify", "--head", told["head"], "--json", exit_code=1))
    assert (gone["ok"], gone["broken_at"]) == (False, None)
    operator.do_past_us("UPDATE audit SET detail = '{}' WHERE entry_id = 2")
    broken = json.loads(operator("audit", "verify", "--json", exit_code=1))
    assert (broken["ok"], broken["broken_at"]) == (False, 2)
    assert "broken at entry 2" in operator("audit", "verify", exit_code=1)
    operator.do_past_us("UPDATE audit SET at_ms = 'never', hash = 'none' WHERE entry_id = 2")
    assert [entry["entry_id"] for entry in operator.entries()] == [1, 2]


@pytest.mark.parametrize("head", ["", "x", "ab", "g" * 64])
def test_what_is_no_hash_is_no_head(operator: Operator, head: str) -> None:
    assert "is no hash" in operator("audit", "verify", "--head", head, exit_code=2)
