"""Weights of the feature extractors: read from a file, loaded into a network, named by a hash."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from benchmark.errors import DataError, one_line
from benchmark.files import checksum


def weights_hash(state: Mapping[str, Tensor]) -> str:
    """SHA-256 (hex) over the tensors of a state dict: name, dtype, shape and bytes of each, in the order of the names.

    The order of the entries and the container they were read from make no difference.
    """
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def file_hash(path: str) -> str:
    """SHA-256 (hex) of a weights file.

    Raises:
        DataError: the file is missing or cannot be read.
    """
    try:
        return checksum(Path(path))
    except OSError as error:
        raise DataError(f"weights file {path} cannot be read ({error.strerror}); give the path of one") from None


def read_weights(path: str) -> dict[str, Tensor]:
    """The state dict in a file of ``torch.save`` or of safetensors; nothing in the file is executed.

    Raises:
        DataError: the file is missing, damaged or holds no state dict.
    """
    if not Path(path).is_file():
        raise DataError(f"there is no weights file {path}; give the path of one")
    # timm is slow to import, and whoever only asks for the hash of weights does not read them.
    from timm.models import load_state_dict

    try:
        state = load_state_dict(path, device="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, AttributeError, pickle.UnpicklingError, SafetensorError):
        raise DataError(f"weights file {path} cannot be read; it must be a state dict saved by torch.save") from None
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise DataError(f"weights file {path} holds no state dict; it must map names to tensors")
    return dict(state)


def load_weights(
    network: nn.Module, state: Mapping[str, Tensor], source: str, ignored: frozenset[str] = frozenset()
) -> None:
    """Load ``state`` into ``network``, name by name.

    Args:
        network: where the weights go.
        state: names to tensors.
        source: the file, for the error's text.
        ignored: names that ``state`` may have and ``network`` lacks: those of a classifier that was cut off.

    Raises:
        DataError: a tensor is missing, left over, or of another shape.
    """
    try:
        network.load_state_dict({name: tensor for name, tensor in state.items() if name not in ignored})
    except RuntimeError as error:
        reason = one_line(error, 200)
        raise DataError(f"weights file {source} is of another network: {reason}") from None
