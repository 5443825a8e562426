"""DescribeTopSongs."""

from yuefu.server.actions.question import Question
from yuefu.server.actions.song_rows import listed_row, page_of, visible
from yuefu.server.centre import Centre
from yuefu.wire.codes import Code
from yuefu.wire.operations.describe_top_songs import DescribeTopSongsParams, TopSongs
from yuefu.wire.operations.rows import ListedSong


def describe_top_songs(centre: Centre, question: Question, params: DescribeTopSongsParams) -> TopSongs:
    """The chart's songs that may be used, in the chart's order; none yet of a documented chart that nobody filled."""
    entries = centre.programme.charted(params.top_id, question.vendor_id)
    if entries is None and params.top_id not in question.profile.charts:
        raise question.refusal(Code.CHART_INVALID, "top_id", f"vendor {question.vendor_id} has no such chart")
    song_ids = [entry.song_id for entry in entries or ()]
    shown = page_of(centre, visible(centre, question, question.vendor_id, song_ids, params.filter), params.page)
    return TopSongs(songs=[listed_row(ListedSong, question, song) for song in shown])
