"""What the process of a plugin does once it has given up its rights."""

from __future__ import annotations

import socket

import torch

from benchmark.isolation.channel import Channel, EndedError
from benchmark.isolation.guest_attack import AttackGuest
from benchmark.isolation.guest_defense import DefenseGuest

GUESTS = {"defense": DefenseGuest, "attack": AttackGuest}
"""By kind of plugin."""


def serve(descriptor: int, kind: str, spec: str, threads: int) -> None:
    """Answer the harness until it ends.

    Args:
        descriptor: of this end of the connection.
        kind: of the plugin.
        spec: its spec.
        threads: that torch computes with.
    """
    torch.set_num_threads(threads)
    channel = Channel(socket.socket(fileno=descriptor), Exception)
    guest = GUESTS[kind](kind, spec, channel)
    while True:
        try:
            channel.answer(channel.receive(), guest)
        except EndedError:
            return
