from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.trackers.gerrit_contract import GerritContract, fetch_gerrit_contract
from tests.trackers.github_contract import Contract, UnavailableError, fetch_contract


@pytest.fixture(scope="session")
def contract(pytestconfig: pytest.Config) -> Contract:
    assert pytestconfig.cache is not None
    with _skipping_without():
        return fetch_contract(pytestconfig.cache.mkdir("octokit"))


@pytest.fixture(scope="session")
def gerrit_contract(pytestconfig: pytest.Config) -> GerritContract:
    assert pytestconfig.cache is not None
    with _skipping_without():
        return fetch_gerrit_contract(pytestconfig.cache.mkdir("gerrit"))


@contextmanager
def _skipping_without() -> Iterator[None]:
    try:
        yield
    except UnavailableError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
