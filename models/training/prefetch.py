"""Preparing the next items in a thread of its own, while the current one is worked on.

The workers of torch's DataLoader are processes: each would hold a pool of events and draw from it
in an order of its own. One thread keeps one pool and the order that a seed stands for.
"""

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterable[T], depth: int) -> Iterator[T]:
    """Yield `items`, up to `depth` of which a thread has prepared before they are asked for.

    An error in preparing an item is raised where the item would have been yielded. The thread
    ends when the items do, or when the iterator is closed or forgotten.
    """
    ready: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(depth)
    closed = threading.Event()

    def put(item: T | None, error: BaseException | None = None) -> None:
        while not closed.is_set():
            with suppress(queue.Full):
                ready.put((item, error), timeout=0.1)
                break

    def prepare() -> None:
        try:
            for item in items:
                put(item)
                if closed.is_set():
                    return
        except BaseException as error:  # handed on, whatever it is
            put(None, error)
        else:
            put(None, StopIteration())

    thread = threading.Thread(target=prepare, daemon=True, name="prefetch")
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]
    finally:
        closed.set()
        thread.join()
