"""Who may do more than call: what the configuration gives, and to nobody else."""

from __future__ import annotations

import pytest

from service.config import Settings
from service.domain.permission import Permission
from tests.unit.config.conftest import World

ADMIN = frozenset({Permission.CACHE_ADMIN})


def test_by_key_and_certificate(world: World) -> None:
    """A key or a certificate has the permissions that stand beside it; others have none."""
    world.file(
        """
        auth:
          keys:
            - {tenant: ops, caller: boss, key: k-1, permissions: [Cache_Admin]}
            - {tenant: one, caller: a, key: k-2}
          client_certificates:
            - {subject: ops.internal, tenant: ops, caller: job, permissions: [cache_admin]}
            - {subject: a.internal, tenant: one, caller: a}
        """
    )
    auth = world.load().settings.auth

    assert [ADMIN, frozenset()] == [key.permissions for key in auth.keys]
    assert [ADMIN, frozenset()] == [one.permissions for one in auth.client_certificates]
    assert frozenset() == auth.anonymous_permissions


def test_a_key_in_one_text(world: World) -> None:
    """A key that is written as one text has none."""
    auth = world.load(AI_PROVIDER__AUTH__KEYS='["ops:boss:k-1"]').settings.auth

    assert [frozenset()] == [key.permissions for key in auth.keys]


def test_everyone(world: World) -> None:
    """Where everyone may call, nobody has a permission unless all have it."""
    allowed = world.load(AI_PROVIDER__AUTH__ANONYMOUS_PERMISSIONS='["cache_admin"]')

    assert frozenset() == Settings().auth.anonymous_permissions
    assert ADMIN == allowed.settings.auth.anonymous_permissions


@pytest.mark.parametrize("written", ['["cache"]', '["cache_admin", "root"]'])
def test_what_is_no_permission(world: World, written: str) -> None:
    """A permission that nobody knows is a mistake, not one less."""
    (problem,) = world.problems(AI_PROVIDER__AUTH__ANONYMOUS_PERMISSIONS=written)

    assert "auth.anonymous_permissions" in problem
    assert "cache_admin" in problem
