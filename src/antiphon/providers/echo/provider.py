"""The echo model: says what it was told, with the pauses and faults that a script asks for. For demonstrations and tests."""

from __future__ import annotations

import asyncio

from antiphon.core.errors import UpstreamBusy, UpstreamError
from antiphon.core.events import ChoiceEnd, ReasoningDelta, TextDelta
from antiphon.core.request import ChatRequest
from antiphon.core.target import Batches
from antiphon.providers import faults
from antiphon.providers.echo.script import FaultName, parse


class Echo:
    """A provider: see core.target.Provider. idle: seconds after which a scripted hang is given up."""

    def __init__(self, idle: float = 120.0) -> None:
        self._idle = idle

    async def stream(self, request: ChatRequest) -> Batches:
        """One batch for each chunk. Raises BadRequest for a script that cannot be read, UpstreamError where it asks for one."""
        script = parse(request.question)
        model = request.model or "echo"
        if script.first:
            await asyncio.sleep(script.first)
        if script.thought:
            yield [ReasoningDelta(script.thought, choice) for choice in range(request.n)]
        pieces = script.pieces()
        for number, piece in enumerate(pieces):
            if script.fault is not None and number == script.fault_at:
                break
            yield [TextDelta(piece, choice) for choice in range(request.n)]
            await asyncio.sleep(script.delay)
        if script.fault is not None:
            if script.fault == "hang":
                await asyncio.sleep(self._idle)
            raise self._fault(model, script.fault)
        yield [ChoiceEnd(script.finish, choice) for choice in range(request.n)]

    def _fault(self, model: str, fault: FaultName) -> UpstreamError:
        match fault:
            case "cut":
                return faults.cut(model, "scripted")
            case "hang":
                return faults.late(model, self._idle, "idle")
            case "busy":
                return UpstreamBusy(f'The model "{model}" is too busy. Try again in a moment.', retry_after=5, detail="scripted")
            case "refused":
                return faults.of_status(model, 401, "scripted", None)
            case "invalid":
                return faults.invalid(model, "scripted")
            case "error":
                return faults.of_status(model, 500, "scripted", None)
