"""`yuefu deal`, `yuefu takedown` and `yuefu import` as people type them: what they refuse, and what they say."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from tests.unit.server.conftest import World

from yuefu.ids import VendorId
from yuefu.rights.takedown import NewCase, Scope
from yuefu.server.cli import commands

ISRC, ISWC = "QMABC2400001", "T0345246801"
LAST_NUMBER = 2**53


class Shell:
    """A command line beside a centre."""

    def __init__(self, world: World, columns: int = 300) -> None:
        self.world = world
        self._runner = CliRunner(env={"COLUMNS": str(columns)})

    def run(self, *arguments: object, exit_code: int = 0, text: str | None = None) -> str:
        """What a command says."""
        told = [*map(str, arguments), "--data", str(self.world.folder)]
        done = self._runner.invoke(commands, told, input=text)
        said = done.output if done.exception is None else f"{done.output} {done.exception}"
        assert done.exit_code == exit_code, said
        return said

    def json(self, *arguments: object, **options: Any) -> Any:
        return json.loads(self.run(*arguments, "--json", **options))

    def refused(self, *arguments: object) -> str:
        """What a command says that must fail with its usage and change nothing."""
        before = self.world.rows("rights_revisions"), self.world.rows("takedowns"), self.world.rows("audit")
        said = self.run(*arguments, exit_code=2)
        assert before == (self.world.rows("rights_revisions"), self.world.rows("takedowns"), self.world.rows("audit"))
        return " ".join(said.split())

    def take_down(self, *names: str, **options: str) -> int:
        said = [word for song_id in self.world.ids(*names) for word in ("--song", song_id)]
        case: int = self.json("takedown", *said, "--reason", "x")["case"]
        return case


@pytest.fixture
def shell(world: World) -> Shell:
    return Shell(world)


@pytest.fixture
def song_of(world: World) -> Callable[..., None]:
    """Gives songs an ISRC or ISWC."""

    def edit(*names: str, **codes: str) -> None:
        def job(transaction: Any) -> None:
            for name in names:
                facts = transaction.song(world.songs[name]).published.facts
                transaction.edit_song(world.songs[name], msgspec.structs.replace(facts, **codes), at_ms=1)

        world.centre.work.run(job)

    return edit


# A filter that says nothing.


@pytest.mark.parametrize("blank", ["", " ", "\t", "　"])
@pytest.mark.parametrize("option", ["--singer", "--recording", "--work"])
def test_a_filter_that_is_left_blank_takes_down_nobodys_songs(shell: Shell, option: str, blank: str) -> None:
    said = shell.refused("takedown", "--vendor", 2, option, blank, "--reason", "x")
    assert f"{option} is blank" in said


def test_a_list_without_ids_takes_down_nobodys_songs(shell: Shell, tmp_path: Path) -> None:
    empty = tmp_path / "ids.txt"
    for content in ("", "# 无\n\n"):
        empty.write_text(content, encoding="utf-8")
        said = shell.refused("takedown", "--vendor", 2, "--file", empty, "--reason", "x")
        assert "names no song" in said


def test_a_vendor_by_himself_is_still_all_of_his_songs(shell: Shell) -> None:
    report = shell.json("takedown", "--vendor", 2, "--reason", "x")
    assert report["songs"] == shell.world.ids("of vendor 2")


@pytest.mark.parametrize("options", [["--list", "--reason", ""], ["--list", "--at", "1970-01-01T00:00:00Z"]])
def test_what_says_nothing_is_still_said(shell: Shell, options: list[str]) -> None:
    assert "say either what to take down" in shell.refused("takedown", *options)


def test_a_reason_with_control_characters_is_refused_by_name(shell: Shell) -> None:
    said = shell.refused("takedown", "--vendor", 2, "--reason", "a\x1b[2J")
    assert "the reason has control characters" in said


@pytest.mark.parametrize(
    "command",
    [["takedown", "--undo"], ["webhook", "remove"], ["webhook", "enable"], ["takedown", "--reason", "x", "--vendor"]],
)
def test_a_number_that_no_store_can_hold_is_refused_in_words(shell: Shell, command: list[str]) -> None:
    said = shell.refused(*command, "9" * 23)
    assert f"{'9' * 23} is not in the range 1<=x<={LAST_NUMBER}" in said


# What a takedown says.


def test_a_takedown_to_come_says_from_when_on(shell: Shell) -> None:
    (song_id,) = shell.world.ids("whole")
    instant = (datetime.now(UTC) + timedelta(days=40)).strftime("%Y-%m-%dT%H:%M:%SZ")
    said = shell.run("takedown", "--song", song_id, "--reason", "x", "--at", instant)
    assert f"1 song taken down from {instant.removesuffix('Z')}.000Z on." in said
    assert "1 song taken down since" in shell.run("takedown", "--song", song_id, "--reason", "x")


def test_a_case_that_later_deals_lifted_says_how_much_is_left_of_it(shell: Shell) -> None:
    case = shell.take_down("whole", "mix only", "no words")
    assert "in force" in shell.run("takedown", "--list")
    (song_id,) = shell.world.ids("whole")
    assert f"This lifts case {case} from 1 song." in shell.run("deal", "add", "--song", song_id, "--rights", "both")
    assert "blocks 2 of 3: later deals lifted it" in shell.run("takedown", "--list")
    (shown,) = shell.json("takedown", "--list")
    assert (shown["songs"], shown["blocked_songs"]) == (3, 2)
    for name in ("mix only", "no words"):
        shell.run("deal", "add", "--song", *shell.world.ids(name), "--rights", "both")
    assert "blocks 0 of 3: later deals lifted it" in shell.run("takedown", "--list")


def test_control_characters_of_what_is_on_record_are_printed_as_they_are_spelt(shell: Shell) -> None:
    scope = Scope(vendor_id=VendorId(2))
    case = NewCase(scope=scope, reason="a\x1b[2Jb\x07", is_banned=False, from_ms=0)
    shell.world.centre.work.run(lambda transaction: transaction.takedowns.open(case, actor="cli:mei", at_ms=0))
    said = shell.run("takedown", "--list")
    assert "\x1b[2J" not in said
    assert "a\\x1b[2Jb\\x07" in said


# Deals that lift takedowns.


def test_a_deal_for_one_chain_says_from_which_it_lifts_a_case(shell: Shell) -> None:
    case = shell.take_down("whole", "mix only")
    options = [word for song_id in shell.world.ids("whole", "mix only") for word in ("--song", song_id)]
    said = shell.run("deal", "add", *options, "--rights", "work")
    assert f"This lifts case {case} from the work of 2 songs." in said
    again = shell.json("deal", "add", *options, "--rights", "both")
    assert [each["lifted_cases"] for each in again] == [[case], [case]]
    assert "lifts" not in shell.run("deal", "add", *options, "--rights", "both")


def test_no_deal_lifts_nothing_and_says_nothing(shell: Shell) -> None:
    shell.take_down("whole")
    assert "lifts" not in shell.run("deal", "end", "--song", *shell.world.ids("whole"))


def test_a_table_says_what_it_lifts_and_would_lift(shell: Shell, tmp_path: Path) -> None:
    case = shell.take_down("whole", "mix only", "no words")
    table = tmp_path / "deals.csv"
    rows = [f"{song_id},both,sing" for song_id in shell.world.ids("whole", "mix only")]
    table.write_text("\n".join(["song_id,rights,uses", *rows]), encoding="utf-8")
    command = ("deal", "import", table, "--vendor", 1)
    told = [{"case": case, "chains": ["recording", "work"], "songs": 2}]
    before = shell.world.rows("rights_revisions"), shell.world.rows("audit")
    assert f"Written down, this lifts case {case} from 2 songs." in shell.run(*command, "--dry-run")
    assert shell.json(*command, "--dry-run")["lifted"] == told
    assert before == (shell.world.rows("rights_revisions"), shell.world.rows("audit"))
    assert f"This lifts case {case} from 2 songs." in shell.run(*command)
    assert shell.json(*command)["lifted"] == [], "what is on record lifts nothing"


# Deals by work and by recording.


def test_a_deal_for_a_work_is_for_the_songs_that_the_vendor_has_of_it(
    shell: Shell, song_of: Callable[..., None]
) -> None:
    song_of("whole", "mix only", "of vendor 2", iswc=ISWC)
    song_of("no words", "of vendor 2", isrc=ISRC)
    by_work = shell.json("deal", "add", "--vendor", 1, "--work", "T-034.524.680-1", "--rights", "work", "--tier", "A")
    assert [each["song_id"] for each in by_work] == shell.world.ids("whole", "mix only")
    by_recording = shell.json("deal", "add", "--vendor", 2, "--recording", ISRC, "--rights", "recording")
    assert [each["song_id"] for each in by_recording] == shell.world.ids("of vendor 2")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--work", ISWC], "either --song ID"),
        (["--song", "100000001", "--work", ISWC], "for songs of one vendor"),
        (["--song", "100000001", "--recording", ISRC], "for songs of one vendor"),
        (["--vendor", "1", "--work", ISWC, "--recording", ISRC], "--work or --recording"),
        (["--vendor", "1", "--work", ISWC], f"vendor 1 has no songs of the work {ISWC}"),
        (["--vendor", "1", "--recording", ISRC], f"vendor 1 has no songs of the recording {ISRC}"),
        (["--vendor", "1", "--work", ""], "is no ISWC"),
        (["--vendor", "1", "--recording", " "], "is no ISRC"),
        (["--vendor", "1", "--work", "T0345246802"], "the check digit is wrong"),
    ],
)
def test_which_songs_a_deal_is_for_is_said_once_and_in_full(shell: Shell, options: list[str], words: str) -> None:
    assert words in shell.refused("deal", "add", *options, "--rights", "both")
