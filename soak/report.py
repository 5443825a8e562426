"""What came of the takedowns, as a chapter's text."""

from collections.abc import Sequence
from statistics import median

from soak.bulk import Bulk
from soak.burst import CLIENTS, Kind
from soak.page import render_table
from soak.rounds import Round

_BODY = """\
{rounds:,} times a song was taken down by another process while {clients} clients asked for it and for another song as
fast as they could, and two more downloaded it whole, of `yuefu serve` with {workers} workers; then it was given back. A
takedown was of the song, of its recording, or a ban, in turn. Counted are the calls that began after the takedown had
returned and ended before it was undone.

{calls}
- Rounds in which anything came through: **{dirty}**
- Downloads under way when the takedown was called: {downloads:,}; of one, at most {late_bytes:,} bytes came after the
  takedown returned. Downloads that began after it and brought anything: {new_downloads:,}.
- From the call of a takedown to its return: {typical_ms:,.0f} ms typically, {worst_ms:,.0f} ms at most, the start of
  the command line's process left out.

### Many songs at once

{songs:,} songs taken down by a list in a file in {down_s:.2f} s and given back in {back_s:.2f} s, each from the start
of the command to its end; the goal is 2 s.
"""


def render_takedowns(rounds: Sequence[Round], bulk: Bulk, *, workers: int) -> str:
    """The chapter's text, in Markdown."""
    return _BODY.format(
        rounds=len(rounds),
        clients=CLIENTS,
        workers=workers,
        calls=_render_calls(rounds),
        dirty=sum(not each.is_clean for each in rounds),
        downloads=sum(each.downloads for each in rounds),
        late_bytes=max(each.late_bytes for each in rounds),
        new_downloads=sum(each.new_downloads for each in rounds),
        typical_ms=median(each.took_s for each in rounds) * 1_000,
        worst_ms=max(each.took_s for each in rounds) * 1_000,
        songs=bulk.songs,
        down_s=bulk.down_s,
        back_s=bulk.back_s,
    )


def _render_calls(rounds: Sequence[Round]) -> str:
    head = ("", "given before", "asked after its return", "given after its return", "given of the other song")
    rows = [
        (
            kind.value,
            *(
                f"{sum(counted[kind] for counted in counts):,}"
                for counts in (
                    [each.before for each in rounds],
                    [each.asked for each in rounds],
                    [each.leaked for each in rounds],
                    [each.others for each in rounds],
                )
            ),
        )
        for kind in Kind
    ]
    return render_table(head, rows)
