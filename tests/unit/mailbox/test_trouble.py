"""The words of a server as our messages repeat them."""

from pipeline.mailbox.trouble import in_words

WORD = "not the word"


def test_words_of_others_stand_on_one_line_short_and_without_our_secrets():
    assert in_words(f"a\r\nb {WORD} c.", WORD, "") == "a  b *** c"
    assert len(in_words("x" * 5_000)) == 300
