"""Killed at each write to the ledger. test_kill_campaign.py kills at any moment, and publishes."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow
