"""The process in which strangers' files are parsed: `python -m antiphon.retrieval.reading.child MEMORY`, tasks on stdin, answers on stdout.

Cutting and tokenising happen here too: they are the dear part, and here they cost the server's event loop nothing.

It gets no environment of ours, may neither write files nor map more memory than its limit, and ends with its stdin. What it cannot parse is
an answer, not an exit: only memory, CPU time and crashes end it, and the parent knows how to name those.
"""

from __future__ import annotations

import os
import resource
import sys
from typing import Final

from antiphon.retrieval.chunk import chunk
from antiphon.retrieval.extract.dispatch import extract
from antiphon.retrieval.extract.document import Unreadable
from antiphon.retrieval.reading import protocol

RECURSION: Final = 2_000


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a parser prints must not reach the pipe
    tasks = os.fdopen(0, "rb")
    _limit(int(sys.argv[1]))
    while (frame := protocol.receive(tasks)) is not None:
        task = protocol.task_decoder.decode(frame)
        _limit_cpu(task.cpu_seconds)
        protocol.send(answers, protocol.encoder.encode(answer(task)))


def answer(task: protocol.Task) -> protocol.Answer:
    try:
        document = extract(task.data, name=task.name, media_type=task.media_type)
        return protocol.Success(document, tuple(chunk(document)))
    except Unreadable as error:
        return protocol.Failure(error.reason, error.message, error.detail)
    except MemoryError:
        return protocol.Failure("too_large", "The document needs more memory to read than it may have.")
    except RecursionError:
        return protocol.Failure("corrupt", "The document is nested too deeply to be read.")
    except Exception as error:  # a parser stumbling over odd input is the document's fault, whatever it raises
        return protocol.Failure("corrupt", "The document is damaged and cannot be read.", repr(error)[:500])


def _limit(memory: int) -> None:
    """memory: bytes of address space, shared libraries included."""
    sys.setrecursionlimit(RECURSION)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def _limit_cpu(seconds: int) -> None:
    """The kernel counts from the start of the process, so each task moves the bar on."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds + 1, hard))


if __name__ == "__main__":
    main()
