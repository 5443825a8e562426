"""DescribeTags and DescribeTagSongs."""

from yuefu.catalogue.listing import Feature
from yuefu.server.actions.question import Question
from yuefu.server.actions.song_rows import Licensed, page_of, row_of, visible
from yuefu.server.centre import Centre
from yuefu.wire.operations.describe_tag_songs import DescribeTagSongsParams, TagSong, TagSongs
from yuefu.wire.operations.describe_tags import DescribeTagsParams, Tag, TagGroup, TagGroups


def describe_tags(centre: Centre, question: Question, params: DescribeTagsParams) -> TagGroups:
    """All the operator's tags, by group."""
    del question, params
    return TagGroups(
        groups=[
            TagGroup(
                group_id=group.group_id,
                group_name=group.name,
                tags=[Tag(tag_id=tag.tag_id, tag_name=tag.name) for tag in group.tags],
            )
            for group in centre.programme.tag_groups()
        ]
    )


def describe_tag_songs(centre: Centre, question: Question, params: DescribeTagSongsParams) -> TagSongs:
    """The vendor's songs that carry the tag and may be used, in the operator's order."""
    tagged = centre.programme.tagged(params.tag_id, question.vendor_id)
    if tagged is None:
        raise question.bad_value("tag_id", "there is no such tag")
    shown = page_of(centre, visible(centre, question, question.vendor_id, tagged, params.filter), params.page)
    return TagSongs(songs=[_row(question, song) for song in shown])


def _row(question: Question, song: Licensed) -> TagSong:
    with_clip = "has_clip" in question.profile.fields
    return row_of(TagSong, question, song, has_clip=int(Feature.CLIP in song[0].features) if with_clip else None)
