"""What a metric of one's own is: one figure of the features of two sets of images, and which way it is better.

The metrics of the harness (``benchmark.metrics``) are plain functions; this is how somebody adds another one, by
``--metric``, without touching them.
"""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from numbers import Real
from typing import ClassVar, Literal

from benchmark.errors import BenchmarkError, PluginError
from benchmark.metrics import CLOSER, Features
from benchmark.plugin import Plugin

NAME = re.compile(r"[a-z][a-z0-9_]*")
"""How a metric may be called: it is a part of the names of columns."""

TAKEN = frozenset({*CLOSER, "diversity", "refused", "cost", "kid_error"})
"""The names that columns of the harness have already."""


class Metric(Plugin):
    """A figure of one set of images beside another: :meth:`compare`, with a :attr:`name` and a direction.

    A subclass is a frozen dataclass; its fields are its hyperparameters. It is a pure function: whatever it draws comes
    from a generator that it seeds itself, so that the same features always give the same figure.

    Figures are stored by the file that the class is written in, and by the metrics of the harness. Whatever else of
    one's own it calls or reads is named in :attr:`content`, as a hash: of a module that can be imported by
    ``code_hash("my_pkg.helpers")`` of :mod:`benchmark.source`.
    """

    name: ClassVar[str]
    """What its columns are called, behind ``utility_``, ``fidelity_`` and ``accuracy_``: small letters, digits and
    underscores. A metric that is wanted with two settings at once makes it a property that tells them apart."""
    better: ClassVar[Literal["lower", "higher"]]
    """Which values say that the generated images are like those of the reference."""

    @abstractmethod
    def compare(self, generated: Features, reference: Features) -> float:
        """The figure of a set of images beside another.

        Args:
            generated: features of the images in question, float32 (n, d), not to be written to; they may be
                memory-mapped, and alike where a model has collapsed.
            reference: features of the images that they should be like, float32 (m, d), likewise.

        Returns:
            A finite number.
        """

    def compared(self, generated: Features, reference: Features) -> float:
        """:meth:`compare`, checked.

        Raises:
            BenchmarkError: ``compare`` raised one.
            PluginError: ``compare`` raised anything else, or returned anything but a finite number.
        """
        where = f"{type(self).__name__}.compare"
        try:
            figure = self.compare(generated, reference)
        except BenchmarkError:
            raise
        except Exception as error:
            raise PluginError(f"{where} raised {type(error).__name__}: {error}") from error
        if not isinstance(figure, Real) or isinstance(figure, bool):
            raise PluginError(f"{where} returned {type(figure).__name__}, but must return a number: float(...)")
        if not math.isfinite(figure):
            raise PluginError(f"{where} returned {figure}, but must return a finite number")
        return float(figure)


def check_declared(metric: Metric) -> None:
    """Accept a metric that says what it is called and which way it is better.

    Raises:
        PluginError: its name is none, or one of the harness's own; or its direction is none; or one of them, as a
            property, raised an error.
    """
    cls = type(metric).__name__
    try:
        name, better = getattr(metric, "name", None), getattr(metric, "better", None)
    except Exception as error:
        raise PluginError(f"the name or better of {cls} raised {type(error).__name__}: {error}") from error
    if not (isinstance(name, str) and NAME.fullmatch(name)):
        raise PluginError(
            f"{cls}.name is {name!r}, but must be a text of small letters, digits and underscores, such as 'spread'"
        )
    if name in TAKEN:
        raise PluginError(f"{cls}.name is {name!r}, which is a figure of the harness; choose another name")
    if better not in ("lower", "higher"):
        raise PluginError(
            f"{cls}.better is {better!r}, but must be 'lower' or 'higher': which values say that the images are alike"
        )
