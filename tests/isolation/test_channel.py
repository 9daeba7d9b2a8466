"""The time limit of an isolated plugin covers whatever it is waited for, to the last byte."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import pytest
import torch

from benchmark.errors import BenchmarkError, PluginError
from benchmark.isolation import channel
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
    """Why an answer never came."""
    with pytest.raises(EndedError) as caught:
        Channel(ours, BenchmarkError, SECONDS).ask("perturb", NOTHING, tensors=tensors)
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
        # For far longer than the limit; then it hangs up, which would be another reason.
        for _ in range(60 * 100):
            try:
                theirs.sendall(b"x")
            except OSError:
                return
            time.sleep(0.01)
        theirs.shutdown(socket.SHUT_WR)

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


def test_a_message_longer_than_what_was_asked_for_needs_is_none(ends) -> None:
    ours, theirs = ends
    theirs.sendall((2001).to_bytes(LENGTH, "big"))
    with pytest.raises(EndedError, match="no proper message"):
        Channel(ours, BenchmarkError, 60).ask("perturb", NOTHING, most=2000)


@pytest.mark.parametrize("nested", ["[" * 200_000, '{"a":' * 200_000, "[" * 200_000 + "]" * 200_000])
def test_a_message_nested_beyond_all_is_none(ends, nested: str) -> None:
    ours, theirs = ends
    # As the message itself, and as the head of the file that it comes in.
    for head in (json.dumps({"__metadata__": {"message": nested}}), nested):
        content = len(head).to_bytes(8, "little") + head.encode()
        beside(partial(theirs.sendall, len(content).to_bytes(LENGTH, "big") + content))
        with pytest.raises(EndedError, match="no proper message"):
            Channel(ours, BenchmarkError, 60).receive()


def test_a_message_nested_so_deep_that_it_can_be_read_and_not_shown_is_none(ends) -> None:
    ours, theirs = ends
    nested: object = 0
    for _ in range(500):
        nested = [nested]
    beside(lambda: Channel(theirs, Exception).send(Message("answer", "queries", {"queries": nested}, {})))
    with pytest.raises(EndedError, match="no proper message"):
        Channel(ours, BenchmarkError, 60).receive()


def test_what_the_other_side_says_is_one_line_that_no_terminal_obeys(ends) -> None:
    ours, theirs = ends
    text = "\x1b[2J\x1b]0;owned\x07 first\nsecond\u202e" + 10_000 * "x"
    beside(lambda: Channel(theirs, Exception).send(Message("error", "Odd\x1bError", {"text": text}, {})))
    with pytest.raises(PluginError) as caught:
        Channel(ours, BenchmarkError, 60).ask("perturb", NOTHING)
    said = str(caught.value)
    assert said.startswith("Odd Error: [2J ]0;owned first second xxx")
    assert said.isprintable()
    assert len(said) < 600


@pytest.mark.parametrize("wrong", [-1, 11, 2.0, True, "3", None, [1], 10**400])
def test_a_count_is_a_whole_number_in_its_bounds(wrong: object) -> None:
    with pytest.raises(PluginError, match=r"^prior came with .* as its n, which must be a number from 0 to 10$"):
        Message("ask", "prior", {"n": wrong}, {}).count("n", 10)


def test_what_is_asked_back_is_answered_in_time_of_its_own(ends, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = ends
    passed = 0.0
    monotonic = time.monotonic
    monkeypatch.setattr(channel.time, "monotonic", lambda: monotonic() + passed)

    def ask_back() -> None:
        guest = Channel(theirs, Exception)
        guest.receive()
        guest.ask("more", NOTHING)
        guest.send(Message("answer", "perturb", {}, {}))

    def slowly(message: Message):
        nonlocal passed
        passed += 1000
        return {}, {}

    beside(ask_back)
    assert Channel(ours, BenchmarkError, 60).ask("perturb", slowly).kind == "answer"


def test_what_is_asked_meanwhile_gives_no_more_time_for_what_was_asked_before(ends) -> None:
    ours, theirs = ends

    def answer() -> None:
        guest = Channel(theirs, Exception)
        guest.receive()
        with suppress(OSError, EndedError):
            for _ in range(4):
                time.sleep(SECONDS / 2)
                guest.ask("train", lambda message: ({}, {}))
            guest.send(Message("answer", "fit", {}, {}))

    host = Channel(ours, BenchmarkError, SECONDS)

    def train(message: Message):
        host.ask("measurement", NOTHING)
        return {}, {}

    beside(answer)
    with pytest.raises(EndedError, match="took more than"):
        host.ask("fit", train)
