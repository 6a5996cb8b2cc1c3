# SPDX-License-Identifier: ISC
"""Last of all: everything that crossed any link during the whole lab, searched once more."""


def test_no_sealed_canary_crossed_any_link_in_clear_in_the_whole_lab(witness):
    assert witness.saw("SEALED") == []
    assert witness.saw("OPEN") != [], "the witness must see what is open"
