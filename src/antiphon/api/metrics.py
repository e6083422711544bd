"""What /metrics tells. Counted once per run, never per chunk.

Names follow Prometheus conventions: seconds, totals. Labels are bounded: dialect, outcome, fault; never a user, a key or a free model name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

from antiphon.runs.recorder import Record

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    def __init__(self, in_flight: Callable[[], int]) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.runs = Counter("antiphon_runs", "Runs that ended", ["dialect", "outcome"], registry=self.registry)
        self.errors = Counter("antiphon_errors", "Failures by whose fault", ["dialect", "fault"], registry=self.registry)
        self.chunks = Counter("antiphon_chunks", "Batches of events passed on", ["dialect"], registry=self.registry)
        self.tokens = Counter("antiphon_tokens", "Tokens", ["dialect", "direction"], registry=self.registry)
        self.first_token = Histogram(
            "antiphon_time_to_first_token_seconds", "From start to first delta", ["dialect"], buckets=_SECONDS, registry=self.registry
        )
        self.seconds = Histogram("antiphon_run_seconds", "From start to end", ["dialect"], buckets=_SECONDS, registry=self.registry)
        self.requests = Counter("antiphon_http_requests", "Requests answered", ["status"], registry=self.registry)
        gauge = Gauge("antiphon_streams_in_flight", "Answers being made now", registry=self.registry)
        gauge.set_function(in_flight)
        tasks = Gauge("antiphon_tasks", "Tasks of the event loop", registry=self.registry)
        tasks.set_function(lambda: len(asyncio.all_tasks()))

    def count(self, record: Record) -> None:
        """Account for a finished run."""
        dialect, answer = record.run.dialect, record.answer
        self.runs.labels(dialect, record.outcome).inc()
        self.chunks.labels(dialect).inc(record.chunks)
        self.seconds.labels(dialect).observe(record.seconds)
        if record.first_token is not None:
            self.first_token.labels(dialect).observe(record.first_token)
        if answer is not None and answer.usage is not None:
            self.tokens.labels(dialect, "input").inc(answer.usage.input)
            self.tokens.labels(dialect, "output").inc(answer.usage.output)
        if answer is not None and answer.error is not None:
            self.errors.labels(dialect, answer.error.fault).inc()

    def text(self) -> bytes:
        """The exposition format, version 0.0.4."""
        return generate_latest(self.registry)
