import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.catalogue.genre import GENRES, genre_of, genres_in, parse_genre
from yuefu.catalogue.spelling import fold

DOCUMENTED = {1: "ACG", 2: "DJ", 3: "R&B", 7: "Children", 12: "Guofeng", 19: "Folk", 20: "Pop", 27: "Trendy"}


def test_there_are_the_documented_numbers() -> None:
    assert [genre.number for genre in GENRES] == list(range(1, 28))
    for number, name in DOCUMENTED.items():
        genre = genre_of(number)
        assert genre is not None
        assert genre.english == name
    assert genre_of(0) is None
    assert genre_of(28) is None


def test_no_word_means_two_genres() -> None:
    words = [(fold(name), genre.number) for genre in GENRES for name in genre.names]
    assert len(dict(words)) == len(set(words))


@pytest.mark.parametrize("genre", GENRES, ids=lambda genre: genre.english)
def test_a_genre_is_known_by_its_number_and_by_its_names(genre: object) -> None:
    for name in (str(genre.number), *genre.names):  # type: ignore[attr-defined]
        assert parse_genre(name) == genre.number  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("民歌", 19), ("FOLK", 19), ("Ｐｏｐ", 20), ("hip-hop", 11), ("Hip Hop", 11), ("說唱", 11), ("纯音乐", 23),
        ("r&b", 3), ("Hard Rock", 17), ("都市民谣", 19), ("中国风", 12), ("DJ舞曲", 2), ("舞曲", 24),
    ],
)  # fmt: skip
def test_words_of_either_language_mean_a_genre(text: str, number: int) -> None:
    assert parse_genre(text) == number


@pytest.mark.parametrize("text", ["", " ", "0", "28", "05", "-1", "1.5", "20 20", "Pony", "Popcorn", "shamrock"])
def test_what_means_no_genre_is_none(text: str) -> None:
    assert parse_genre(text) is None


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Pop", (20,)),
        ("Rock,Pony", (17,)),
        ("Pop/Rock", (20, 17)),
        ("摇滚、民谣；流行", (17, 19, 20)),
        ("Alternative/Indie", (10,)),
        ("Folk, folk music", (19,)),
        ("SomeGenre", ()),
        ("", ()),
    ],
)
def test_a_delivery_may_name_several_genres(text: str, numbers: tuple[int, ...]) -> None:
    assert genres_in(text) == numbers


@given(st.text(max_size=60))
def test_any_text_gives_known_numbers_each_once(text: str) -> None:
    numbers = genres_in(text)
    assert len(set(numbers)) == len(numbers)
    assert all(genre_of(number) for number in numbers)
