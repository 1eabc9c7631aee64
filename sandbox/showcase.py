"""What the demo has to show beside plain Teams: mixed seats, and seats held after removals."""

from __future__ import annotations

from sandbox.base import Memory
from sandbox.state import Workspace
from sandbox.vacancies import vacate


def furnish(world: Memory) -> None:
    """Mix the seats of the second last workspace, and hold seats in the last; plain ones stay as they are."""
    workspaces = list(world.workspaces.values())
    if len(workspaces) < 2:
        return
    _mix(world, workspaces[-2])
    _hold(world, workspaces[-1])


def _mix(world: Memory, workspace: Workspace) -> None:
    """Standard and Premium seats side by side, and a guest who pays by use."""
    workspace.pools["prolite"].set_paid(2)
    for name, seat_type in (("lin", "default"), ("premium", "prolite"), ("codex", "usage_based")):
        world.admit(workspace, _address(workspace, name), seat_type=seat_type, lag=0.0)


def _hold(world: Memory, workspace: Workspace) -> None:
    """Two people were removed and their seats are still held; whoever is removed next leaves a held seat as well."""
    workspace.vacancy_threshold = 1
    for name in ("gone1", "gone2"):
        vacate(world, workspace, world.admit(workspace, _address(workspace, name), lag=0.0))


def _address(workspace: Workspace, name: str) -> str:
    return f"{name}.team{workspace.number}@example.com"
