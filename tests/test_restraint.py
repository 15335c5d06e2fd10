"""One line at a time, the others counted."""

from webhook.restraint import LINE_SECONDS, Restraint


def test_one_line_is_let_through_for_each_while_and_tells_how_many_were_not():
    restraint = Restraint()
    told = [restraint.admit(100 + number * LINE_SECONDS / 4) for number in range(10)]
    assert told == [0, None, None, None, 3, None, None, None, 3, None]


def test_what_is_rare_is_let_through_whole():
    restraint = Restraint()
    assert [restraint.admit(number * LINE_SECONDS) for number in range(4)] == [0, 0, 0, 0]
