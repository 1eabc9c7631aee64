"""Orders that make answers go wrong, or look odd (upstream §16.3, §16.4)."""

from __future__ import annotations

from typing import Any

from sandbox import shapes
from sandbox.base import Memory
from sandbox.errors import Json
from sandbox.state import Refusal


class Trouble(Memory):
    """Orders about faults and shapes."""

    def fault(
        self,
        op: str,
        action: Json | str | None = None,
        *,
        account_id: str | None = None,
        email: str | None = None,
        nth: int = 1,
        times: int | None = None,
        apply_effect: str | None = None,
    ) -> Json:
        """Push a fault (see `sandbox.faults`); `action` may be the bare name of a preset."""
        spec = {"preset": action} if isinstance(action, str) else action or {}
        with self.lock:
            pushed = self.faults.push(
                op, spec, account_id=account_id, email=email, nth=nth, times=times, apply_effect=apply_effect
            )
            return pushed.as_dict()

    def clear_faults(self) -> Json:
        """Forget every fault that is left."""
        with self.lock:
            left = len(self.faults.faults)
            self.faults.clear()
            return {"cleared": left}

    def shape(self, **toggles: Any) -> Json:
        """Set shape toggles (see `sandbox.shapes`), all or none; returns every toggle's value."""
        with self.lock:
            for key, value in toggles.items():
                try:
                    shapes.check(key, value)
                except ValueError as error:
                    raise Refusal(str(error)) from None
            self.shapes |= toggles
            return dict(self.shapes)

    def clear_shapes(self) -> Json:
        """Put every shape toggle back to its default."""
        with self.lock:
            self.shapes = shapes.defaults()
            return dict(self.shapes)
