"""Templates that collectors share by a compacted topic: behind a load balancer each hears but some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from probes.exporters.templates import MOST_FIELDS, Field, Template
from topics.definitions import EXPORTER_TEMPLATES
from topics.errors import BusError
from topics.exporter_templates import ExporterTemplate, decode_template, encode_template

if TYPE_CHECKING:
    from contextlib import ExitStack

    from probes.exporters.collector import Collector
    from probes.exporters.exporter import Exporter
    from probes.settings import Settings
    from topics.bus import Subscriber

KIND = "netflow"
log = structlog.get_logger()


class Sharing:
    """Tells others of the templates that a collector learns, and lets it know theirs.

    Without the topic, or the right to it, there is nothing shared, and the log says so once.
    """

    def __init__(self, settings: Settings, collector: Collector, stack: ExitStack) -> None:
        self._settings, self._collector = settings, collector
        self._heard: Subscriber[ExporterTemplate] | None = None
        url = next((output.to for output in settings.outputs if output.is_bus), "")
        if not url:
            return
        from topics.bus import Subscriber
        from topics.bus.producer import ConfirmedProducer
        from topics.bus.publisher import BROKER_SECONDS

        try:
            self._heard = stack.enter_context(
                Subscriber(url, EXPORTER_TEMPLATES.name, decode=decode_template, dead_letters=None)
            )
        except BusError as error:
            log.warning("templates are not shared", reason=str(error))
            return
        self._producer = ConfirmedProducer(url, BROKER_SECONDS)
        stack.callback(self._producer.flush)
        collector.learned = self._tell
        while self._heard.behind:  # what others have learned before
            self.listen(0.2)

    def listen(self, timeout: float = 0) -> None:
        """Take what others have told meanwhile."""
        if self._heard is None:
            return
        try:
            for received in self._heard.receive(timeout):
                self._learn(received.value)
        except BusError as error:
            self._stop(error)

    def _learn(self, told: ExporterTemplate) -> None:
        fields = tuple(Field(*told.fields[place : place + 3]) for place in range(0, len(told.fields), 3))
        template = Template(fields[:MOST_FIELDS], told.scopes)
        exporter = self._collector.known(KIND, told.exporter)
        is_new = exporter is not None and bool(template.shortest)
        if exporter is not None and is_new and exporter.templates.put(told.domain, told.number, template):
            self._collector.release(exporter, told.domain, told.number, template)

    def _tell(self, exporter: Exporter, domain: int, number: int, template: Template) -> None:
        fields = tuple(part for each in template.fields for part in each)
        who = self._settings.site, self._settings.probe
        told = ExporterTemplate(*who, exporter.address, domain, number, template.scopes, fields)
        try:
            self._producer.send(EXPORTER_TEMPLATES.name, encode_template(told), 0, told.key)
        except BusError as error:
            self._stop(error)

    def _stop(self, error: BusError) -> None:
        """Go on without: what is heard decides, and every exporter says it again."""
        log.warning("templates are not shared any more", reason=str(error))
        self._heard = None
        self._collector.learned = lambda *_: None
