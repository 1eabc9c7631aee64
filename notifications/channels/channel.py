"""What a channel is: a way to tell operators. Its settings, its fields and its words stand in its own module."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from django.utils.translation import gettext as _

from notifications.channels.result import NotDelivered, Result
from notifications.models import Message
from notifications.settings.declared import OPERATOR_LANGUAGE, PUBLIC_URL
from notifications.settings.fields import Group
from notifications.settings.runtime import RuntimeSetting, Value, read
from notifications.ways import Way

log = logging.getLogger(__name__)


class Channel(Way, ABC):
    """A channel with its settings as they were when it was made. `registry.py` lists the classes; all others ask it."""

    prefix: ClassVar[str]  # the keys of its settings begin with `notifications.<prefix>_`; `doctor` calls it so
    group: ClassVar[Group]  # its fields
    page: ClassVar[str] = "notices"  # the section of the settings that shows them
    reads: ClassVar[tuple[RuntimeSetting[Any], ...]] = (OPERATOR_LANGUAGE, PUBLIC_URL)  # beside the fields' settings

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def __getitem__(self, setting: RuntimeSetting[Value]) -> Value:
        value: Value = self.values[setting.key]
        return value

    @classmethod
    def stored(cls) -> Self:
        """The channel with its present settings; one query."""
        return cls(read(*(field.setting for field in cls.group.fields), *cls.reads))

    def is_on(self) -> bool:
        return self.is_set_up(self.values)

    @abstractmethod
    def send(self, message: Message) -> None:
        """Raises NotDelivered."""

    @abstractmethod
    def reach(self) -> str:
        """Connect as when sending, send nothing, and say in words what answers. Raises Unreachable."""

    def sample(self) -> Message:
        return Message(event="test", channel=self.name, language=self[OPERATOR_LANGUAGE])

    def test(self) -> Result:
        """Send a sample now; the answer in words within ten seconds."""
        if not self.is_on():
            return Result(False, _("Not set up yet."))
        try:
            self.send(self.sample())
        except NotDelivered as failure:
            return Result(False, failure.reason)
        except Exception:
            log.exception("test of %s", self.name)
            return Result(False, _("Something went wrong on our side; the log says more."))
        finally:
            self.close()
        return Result(True, _("Delivered"))

    def close(self) -> None:
        """Close the connection that is kept between messages; here there is none."""
