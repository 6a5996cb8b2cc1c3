# SPDX-License-Identifier: ISC
"""Last of all: the server ends in order, and everything that crossed any link during the whole
lab is searched once more.
"""

import re

from internet import LOGS

OURS = ("siegel", "small", "crash", "table", "partner", "years", "asker")


def test_after_all_this_the_server_ends_in_order(siegel):
    assert siegel.stop(within=10) == 0


def test_no_sealed_canary_crossed_any_link_in_clear_in_the_whole_lab(witness):
    assert witness.saw("SEALED") == []
    assert witness.saw("OPEN") != [], "the witness must see what is open"


def test_the_witness_has_lost_nothing(witness):
    assert witness.stop() == []


def test_nobody_died_but_by_our_hand():
    """In no log a sanitizer's report, a bug found by must(), or an end by another signal than 9."""
    for name in OURS:
        log = LOGS / f"{name}.log"
        said = log.read_text(errors="replace") if log.exists() else ""
        assert re.findall(r"Sanitizer|runtime error: |event=bug|must\(", said) == [], log
        assert set(re.findall(r'how="(signal \d+)', said)) <= {"signal 9"}, log
