import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.catalogue.identifier import BadIdentifier, parse_isrc, parse_iswc

DIGITS = st.text("0123456789", min_size=9, max_size=9)


@pytest.mark.parametrize("text", ["USSKG1912345", "us-skg-19-12345", " US SKG 19 12345 ", "US-SKG-1９-12345"])
def test_an_isrc_is_twelve_characters_however_it_was_written(text: str) -> None:
    assert parse_isrc(text) == "USSKG1912345"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "USSKG191234",
        "USSKG19123456",
        "XX-SKG-19-12345",
        "US_SKG_19_12345",
        "12SKG1912345",
        "茉莉花",
    ],
)
def test_what_is_no_isrc_is_said_to_be_none(text: str) -> None:
    with pytest.raises(BadIdentifier, match="is no ISRC"):
        parse_isrc(text)


@pytest.mark.parametrize("text", ["T-034.524.680-1", "T0345246801", "t 034 524 680 1"])
def test_an_iswc_is_a_letter_and_ten_digits_however_it_was_written(text: str) -> None:
    assert parse_iswc(text) == "T0345246801"


@pytest.mark.parametrize(
    "text", ["", "T", "0345246801", "T034524680", "T03452468011", "P0345246801", "T034524680１", "T0345246801\n1"]
)
def test_what_is_no_iswc_is_said_to_be_none(text: str) -> None:
    with pytest.raises(BadIdentifier, match="it is T and ten digits"):
        parse_iswc(text)


def test_a_wrong_check_digit_is_said_to_be_wrong() -> None:
    with pytest.raises(BadIdentifier, match="the check digit is wrong"):
        parse_iswc("T-034.524.680-2")


@given(DIGITS)
def test_an_iswc_has_one_right_check_digit(digits: str) -> None:
    assert sum(_is_right(f"T{digits}{check}") for check in "0123456789") == 1


@given(DIGITS, st.integers(0, 8), st.integers(1, 9))
def test_no_single_wrong_digit_passes_where_its_weight_is_prime_to_ten(digits: str, place: int, step: int) -> None:
    """Weights are the places 1 to 9: a slip of 5 at an even place, or of an even number at place 5, goes unseen."""
    check = next(check for check in "0123456789" if _is_right(f"T{digits}{check}"))
    wrong = f"{digits[:place]}{(int(digits[place]) + step) % 10}{digits[place + 1 :]}"
    assert _is_right(f"T{wrong}{check}") == ((place + 1) * (int(wrong[place]) - int(digits[place])) % 10 == 0)


def _is_right(text: str) -> bool:
    try:
        parse_iswc(text)
    except BadIdentifier:
        return False
    return True


@given(st.text(max_size=20))
def test_any_text_is_an_identifier_or_refused(text: str) -> None:
    for parse in (parse_isrc, parse_iswc):
        try:
            canonical = parse(text)
        except BadIdentifier:
            continue
        assert parse(canonical) == canonical
