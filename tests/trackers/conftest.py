from __future__ import annotations

import os

import pytest

from tests.trackers.github_contract import Contract, UnavailableError, fetch_contract


@pytest.fixture(scope="session")
def contract(pytestconfig: pytest.Config) -> Contract:
    assert pytestconfig.cache is not None
    try:
        return fetch_contract(pytestconfig.cache.mkdir("octokit"))
    except UnavailableError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
