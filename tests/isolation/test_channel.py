"""The time limit of an isolated plugin covers whatever it is waited for, to the last byte."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import torch

from benchmark.errors import BenchmarkError
from benchmark.isolation.channel import LENGTH, MAX_MESSAGE, NOTHING, PIECE, Channel, EndedError, Message

SECONDS = 0.5


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    pair = socket.socketpair()
    yield pair
    for end in pair:
        end.close()


def beside(work: Callable[[], object]) -> None:
    threading.Thread(target=work, daemon=True).start()


def ended(ours: socket.socket, tensors: dict[str, torch.Tensor] | None = None) -> str:
    """Why an answer never came; it must be said soon after the limit."""
    started = time.monotonic()
    with pytest.raises(EndedError) as caught:
        Channel(ours, BenchmarkError, SECONDS).ask("perturb", NOTHING, tensors=tensors)
    assert time.monotonic() - started < 4 * SECONDS
    return str(caught.value)


def test_the_limit_covers_a_message_of_which_half_has_come(ends) -> None:
    ours, theirs = ends
    theirs.sendall((1000).to_bytes(LENGTH, "big"))
    assert ended(ours) == "it took more than 0.5 seconds"


def test_the_limit_covers_a_message_whose_length_has_come_by_half(ends) -> None:
    ours, theirs = ends
    theirs.sendall(b"\0\0\0")
    assert ended(ours) == "it took more than 0.5 seconds"


def test_a_message_that_drips_is_cut_off_too(ends) -> None:
    ours, theirs = ends

    def drip() -> None:
        theirs.sendall((10**6).to_bytes(LENGTH, "big"))
        while True:
            try:
                theirs.sendall(b"x")
            except OSError:
                return
            time.sleep(0.01)

    beside(drip)
    assert ended(ours) == "it took more than 0.5 seconds"


def test_the_limit_covers_what_is_never_listened_to(ends) -> None:
    ours, _ = ends
    assert ended(ours, {"x": torch.zeros(2**22)}) == "it took more than 0.5 seconds"


def test_a_length_beyond_all_is_no_message(ends) -> None:
    ours, theirs = ends
    theirs.sendall((MAX_MESSAGE + 1).to_bytes(LENGTH, "big"))
    assert "no proper message" in ended(ours)


def test_one_who_hangs_up_has_ended(ends) -> None:
    ours, theirs = ends
    theirs.sendall((1000).to_bytes(LENGTH, "big") + b"x" * 10)
    theirs.shutdown(socket.SHUT_WR)
    assert ended(ours) == ""


def test_messages_longer_than_a_piece_come_whole_and_in_order(ends) -> None:
    ours, theirs = ends
    x = torch.arange(PIECE, dtype=torch.float32)

    def serve(message: Message):
        return {"sum": message.value("n") + 1}, {"x": message.tensor("x") + 1}

    def answer() -> None:
        guest = Channel(theirs, Exception)
        for _ in range(2):
            guest.answer(guest.receive(), serve)

    beside(answer)
    host = Channel(ours, BenchmarkError, 60)
    for n in range(2):
        found = host.ask("add", NOTHING, {"n": n}, {"x": x})
        assert found.value("sum") == n + 1
        assert torch.equal(found.tensor("x"), x + 1)


def test_what_is_asked_back_is_answered_in_time_of_its_own(ends) -> None:
    ours, theirs = ends

    def ask_back() -> None:
        guest = Channel(theirs, Exception)
        guest.receive()
        guest.ask("more", NOTHING)
        guest.send(Message("answer", "perturb", {}, {}))

    def slowly(message: Message):
        time.sleep(2 * SECONDS)
        return {}, {}

    beside(ask_back)
    assert Channel(ours, BenchmarkError, SECONDS).ask("perturb", slowly).kind == "answer"
