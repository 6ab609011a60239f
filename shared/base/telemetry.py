"""Logs, traces and metrics: structured, with tenant and trace, and cheap when nobody records.

A trace follows a request to the outbox; the consumer starts a trace of its own with a *link* to it, since an
event may be handled days later. Without a collector no spans are made, only trace ids for logs and problems.
"""

import logging
import random
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache

import orjson
import structlog
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, TraceFlags
from prometheus_client import Counter, Gauge, Histogram

from shared.base.error_text import traceback_text
from shared.base.settings import KernelSettings

REQUESTS = Histogram(
    "backoffice_request_seconds",
    "Time to answer, by service, route and status class",
    ["service", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
HTTP_CONNECTIONS = Gauge(
    "backoffice_http_connections", "Connections of callers, with a request in hand or at rest", ["state"]
)
HTTP_TURNED_AWAY = Counter(
    "backoffice_http_turned_away_total",
    "New connections refused, by the limit that was met: an address's share, or that of all",
    ["limit"],
)
HTTP_ENDED = Counter(
    "backoffice_http_ended_total",
    "Connections ended by us: a head or body too late, a reader that takes nothing, room for others",
    ["reason"],
)
BATCH_SIZE = Histogram(
    "backoffice_batch_requests",
    "Requests of one operation and tenant that shared a transaction",
    ["service"],
    buckets=(1, 2, 4, 8, 16, 32, 64),
)
BATCHES_FAILED = Counter(
    "backoffice_batches_failed_total",
    "Transactions of several requests given up, each then taken alone",
    ["service"],
)
PLACES_WAITING = Gauge(
    "backoffice_places_waiting",
    "What waits: transactions for a connection, documents for a process, requests for news",
    ["service", "of"],
)
REFUSED_BY_SHARE = Counter(
    "backoffice_refused_by_share_total",
    "Requests refused a place since their own tenant has its share of them",
    ["service", "of"],
)
OUTBOX_AGE = Gauge("backoffice_outbox_age_seconds", "Age of the oldest fact not yet published", ["service"])
OUTBOX_WAITING = Gauge("backoffice_outbox_waiting", "Facts not yet published", ["service"])
PUBLISHED = Counter("backoffice_events_published_total", "Facts handed to the transport", ["service"])
CONSUMED = Counter("backoffice_events_consumed_total", "Events handled, by outcome", ["service", "outcome"])
EVENT_LAG = Histogram(
    "backoffice_event_lag_seconds",
    "From the fact to the commit of its effect",
    ["service"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600),
)
INBOX_HELD = Gauge("backoffice_inbox_held", "Events that wait, by state", ["service", "state"])
INBOX_AGE = Gauge(
    "backoffice_inbox_age_seconds", "Age of the oldest event that waits for a retry", ["service"]
)
DUE_AGE = Gauge("backoffice_due_age_seconds", "How late the most overdue scheduled work is", ["service"])
BLOBS_UNERASED_AGE = Gauge(
    "backoffice_blobs_unerased_age_seconds",
    "Since when the oldest file waits that is to be erased",
    ["service"],
)
MAILS_QUEUED = Gauge("backoffice_mails_queued", "Mails that are to be sent", ["service"])
MAILS_QUEUED_AGE = Gauge(
    "backoffice_mails_queued_age_seconds", "Since when the oldest mail waits to be sent", ["service"]
)
MAILS_TRIED = Counter(
    "backoffice_mails_tried_total",
    "Tries to send a mail, by outcome: sent, bounced, put off",
    ["service", "outcome"],
)
JOBS_OPEN = Gauge("backoffice_jobs_open", "Long jobs that are not over, by state", ["service", "state"])
JOBS_WAITING_AGE = Gauge(
    "backoffice_jobs_waiting_age_seconds", "Since when the oldest job waits for its turn", ["service"]
)
JOBS_RUNNING_AGE = Gauge(
    "backoffice_jobs_running_age_seconds", "Since when the oldest running job was first begun", ["service"]
)
JOBS_ENDED = Counter(
    "backoffice_jobs_ended_total", "Long jobs that ended, by outcome", ["service", "outcome"]
)

_provider: TracerProvider | None = None
_tracer: trace.Tracer | None = None
_access = True
_ids = random.Random(random.SystemRandom().getrandbits(256))  # noqa: S311
_SOURCE = f"{_ids.getrandbits(64) | 1:016x}"  # the first half of all trace ids made by this process


def configure(settings: KernelSettings, processor: SpanProcessor | None = None) -> None:
    """Set logs up; record spans when a collector is named or a processor is handed in (tests)."""
    configure_logs(settings)
    if processor is None and settings.otlp_endpoint:
        processor = BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.otlp_endpoint))
    if processor is not None:
        record_spans(processor, settings.trace_ratio)


def record_spans(processor: SpanProcessor, ratio: float) -> None:
    """Start recording spans; the ratio applies to traces that begin here."""
    global _provider, _tracer  # noqa: PLW0603 - one tracer per process, as OpenTelemetry has it
    _provider = TracerProvider(
        resource=Resource.create({"service.name": "backoffice"}),
        sampler=ParentBased(TraceIdRatioBased(ratio)),
    )
    _provider.add_span_processor(processor)
    _tracer = _provider.get_tracer("backoffice")


def flush_spans() -> None:
    """Send what is buffered; called at shutdown."""
    if _provider is not None:
        _provider.force_flush()


def _json(value: object, **_: object) -> str:
    return orjson.dumps(value, default=repr).decode()


def logs_access() -> bool:
    """Whether each request gets its line; asked before the line is put together, since that costs, too."""
    return _access


def configure_logs(settings: KernelSettings) -> None:
    """One JSON object (or one coloured line) per event on standard error."""
    global _access  # noqa: PLW0603 - logging is one per process
    _access = settings.log_level.upper() in ("DEBUG", "INFO")
    renderer = (
        structlog.processors.JSONRenderer(serializer=_json)
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(traceback_text),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, force=True)
    for noisy in ("aiormq", "aio_pika"):  # a lost connection is told by who uses it, in our own form
        logging.getLogger(noisy).setLevel(logging.CRITICAL)


@lru_cache(maxsize=8192)
def request_histogram(service: str, route: str, status_class: int) -> Histogram:
    """The child for one route and status class; looking it up anew costs as much as the observation."""
    return REQUESTS.labels(service, route, f"{status_class}xx")


def new_traceparent() -> str:
    """A fresh, unrecorded W3C trace context; its ids need to differ, not to be secret."""
    return f"00-{_SOURCE}{_ids.getrandbits(64):016x}-{_ids.getrandbits(64) | 1:016x}-00"


def trace_id(traceparent: str) -> str:
    """The trace id inside a W3C trace context, or an empty text."""
    parts = traceparent.split("-")
    return parts[1] if len(parts) == 4 and len(parts[1]) == 32 else ""


def _context_of(traceparent: str) -> SpanContext | None:
    parts = traceparent.split("-")
    try:
        found = SpanContext(int(parts[1], 16), int(parts[2], 16), True, TraceFlags(int(parts[3], 16)))
    except (IndexError, ValueError):
        return None
    return found if found.is_valid else None


def _text_of(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def records() -> bool:
    """Whether spans are made at all."""
    return _tracer is not None


def continued(parent: str) -> str:
    """The caller's trace context where it has one, else a fresh one."""
    return parent if trace_id(parent) else new_traceparent()


def span(
    name: str, *, parent: str = "", link: str = "", kind: SpanKind = SpanKind.INTERNAL
) -> AbstractContextManager[str]:
    """A span under a parent, or one that begins a trace and links to another; yields its traceparent."""
    if _tracer is None:
        return nullcontext(continued(parent))
    return _recorded(_tracer, name, parent, link, kind)


@contextmanager
def _recorded(tracer: trace.Tracer, name: str, parent: str, link: str, kind: SpanKind) -> Iterator[str]:
    parent_context = _context_of(parent)
    linked = _context_of(link)
    context = trace.set_span_in_context(NonRecordingSpan(parent_context)) if parent_context else None
    with tracer.start_as_current_span(
        name, context=context, kind=kind, links=[Link(linked)] if linked else None
    ) as current:
        yield _text_of(current.get_span_context())
