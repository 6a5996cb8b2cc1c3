# SPDX-License-Identifier: ISC
"""What the pages weigh, and what their source may not contain."""
import gzip
import re

import pytest

from internet import REPO

PAGES = REPO / "src/web/pages"
MOST = {".mjs": 60_000, ".css": 10_000}
KINDS = {".html", ".mjs", ".css", ".svg"}
# What would make markup or code out of text; a module that needs one is wrong.
FORBIDDEN = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
                       r"|createContextualFragment|DOMParser|setAttribute\(\"on|\.srcdoc|postMessage")
NAMESPACES = {"http://www.w3.org/2000/svg"}


def files(suffix=""):
    return sorted(file for file in PAGES.rglob("*") if file.is_file() and file.suffix.endswith(suffix))


@pytest.mark.parametrize("suffix", MOST)
def test_what_is_loaded_is_small(suffix):
    sizes = {str(file.relative_to(PAGES)): len(gzip.compress(file.read_bytes(), 9, mtime=0))
             for file in files(suffix)}
    assert sizes and sum(sizes.values()) <= MOST[suffix], (sum(sizes.values()), sizes)


def test_only_known_kinds_of_file_are_served():
    assert {file.suffix for file in files()} <= KINDS


def test_no_address_of_anybody_else_is_in_the_pages():
    found = [f"{file.name}: {url}" for file in files()
             for url in re.findall(r"https?://[^\s\"'`)<>]*", file.read_text())
             if url not in NAMESPACES and re.match(r"https?://\w", url)]
    assert found == []


def test_no_page_makes_markup_or_code_out_of_text():
    found = [f"{file.name}:{number}: {line.strip()}" for file in files(".mjs")
             for number, line in enumerate(file.read_text().splitlines(), 1)
             if FORBIDDEN.search(line.split("/*")[0].split(" * ")[0])]
    assert found == []


def test_no_script_and_no_style_stands_in_the_markup():
    html = (PAGES / "index.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:", html)
