# SPDX-License-Identifier: ISC
"""A plugin of pytest: tests that need namespaces of their own run there or say why not."""
import os

import pytest

ALONE = os.environ.get("LAB_ALONE") == "1"


def pytest_collection_modifyitems(items):
    if ALONE:
        return
    if os.environ.get("CI") == "true":
        raise pytest.UsageError("this needs root and namespaces of its own: run it by `run`")
    for item in items:
        item.add_marker(pytest.mark.skip(reason="needs root and its own namespaces: see `run`"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """With CI=true nothing may be skipped: a skip is a failure."""
    report = (yield).get_result()
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped: {report.longrepr}"
