"""`yuefu audit …`."""

import sys
from itertools import islice
from typing import Any

import click
import msgspec

from yuefu.access.audit import AuditBroken, HeadGone, WrittenEntry, verify
from yuefu.server.cli.options import COUNT, INSTANT, escape_controls, print_json, settings_for, standard_options
from yuefu.server.wiring import open_installation

MOST_SHOWN = 1_000
"""Entries that people are shown; JSON has all of them."""


class HashType(click.ParamType[bytes]):
    """A SHA-256 in hex."""

    name = "hash"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        try:
            found = bytes.fromhex(value)
        except ValueError:
            found = b""
        if len(found) != 32:
            self.fail(f"{value[:80]!r} is no hash: it has 64 hex digits, as this command prints them", param, ctx)
        return found


@click.group()
def audit() -> None:
    """The audit: who changed what, and from where."""


@audit.command("verify")
@click.option("--head", type=HashType(), help="A head seen earlier: it must still be in the chain.")
@standard_options
def verify_command(*, head: bytes | None, data: str | None, as_json: bool) -> None:
    """Check that no entry was altered, taken out or slipped in. Exit status 1 when one was.

    Keep the head it prints somewhere else, and give it as --head next time: only so are entries found that were cut off
    at the end.
    """
    facts: dict[str, Any]
    with open_installation(settings_for(data)) as installation:
        entries = installation.centre.audit.entries()
        try:
            chain = verify(entries) if head is None else verify(entries, seen=head)
            facts = {"ok": True, "entries": chain.count, "head": chain.head.hex()}
            words = f"{chain.count} entries, unbroken. Head: {chain.head.hex()}"
        except AuditBroken as broken:
            facts = {"ok": False, "broken_at": broken.entry_id, "problem": str(broken)}
            words = str(broken)
        except HeadGone as gone:
            facts = {"ok": False, "broken_at": None, "problem": str(gone)}
            words = str(gone)
    if as_json:
        print_json(facts)
    else:
        click.echo(words)
    sys.exit(0 if facts["ok"] else 1)


@audit.command("list")
@click.option("--after", type=COUNT, default=0, help="From the entry after that one on.")
@click.option("--subject", help='What was changed, as "song 100000001" or "app 7".')
@click.option("--actor", help='Who changed it, as "cli:mei" or "key:ci".')
@click.option("--since", type=INSTANT, help="From an instant on, ISO 8601 with offset.")
@standard_options
def list_command(
    *, after: int, subject: str | None, actor: str | None, since: int | None, data: str | None, as_json: bool
) -> None:
    """The entries, in the order they were written."""
    with open_installation(settings_for(data)) as installation:
        found = installation.centre.audit.entries(after, subject=subject, actor=actor, since_ms=since)
        if as_json:
            print_json([each.told() for each in found])
            return
        for each in islice(found, MOST_SHOWN):
            _print(each)
            after = each.entry_id
        rest = sum(1 for _ in found)
    if rest:
        click.echo(f"… and {rest} more; --after {after} shows the next, --json all of them.")


def _print(written: WrittenEntry) -> None:
    """One line for who, what and of what, and one for what else there is to tell."""
    told = written.told()
    revisions = [str(told[name]) for name in ("before_revision", "after_revision") if told[name] is not None]
    of = f" (revision {' → '.join(revisions)})" if revisions else ""
    who = f"{told['actor']} at {told['origin']}" if told["origin"] else told["actor"]
    line = f"{told['entry_id']}  {told['at']}  {who}: {told['action']}, {told['subject']}{of}"
    click.echo(escape_controls(line))
    if told["detail"]:
        click.echo(f"    {escape_controls(msgspec.json.encode(told['detail']).decode())}")
