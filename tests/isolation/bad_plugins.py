"""Plugins that misbehave, each in its own way, and a few that do not. Loaded by path, in processes of their own."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmark.interfaces import Attack, Defense, ThreatModel, parameter


class Hangs(Defense):
    def perturb(self, x, rng):
        while True:
            time.sleep(1)


class Crashes(Defense):
    def perturb(self, x, rng):
        ctypes.string_at(0)


class Leaves(Defense):
    def perturb(self, x, rng):
        print("goodbye")
        sys.stdout.flush()
        os._exit(3)


@dataclass(frozen=True)
class Swaps(Defense):
    """Puts something else in the place of what the harness may read of its folder, and leaves."""

    link: str = parameter("", "what the harness should read; empty: something to wait for, for ever")

    def perturb(self, x, rng):
        home = Path(os.environ["HOME"])
        for place in {home / "said.txt", *home.iterdir()}:
            place.unlink(missing_ok=True)
            if self.link:
                place.symlink_to(self.link + ".txt")
            else:
                os.mkfifo(place)
        os._exit(3)


class EatsMemory(Defense):
    def perturb(self, x, rng):
        eaten = []
        while True:
            eaten.append(torch.ones(2**24))


MIB = 2**20


class FillsItsFolder(Defense):
    """Takes memory that none of its processes is charged for: that of files in its folder, each a small one."""

    def perturb(self, x, rng):
        for number in range(3):
            (Path(tempfile.gettempdir()) / str(number)).write_bytes(bytes(100 * MIB))
        time.sleep(3)
        return x


class HoldsFiles(Defense):
    """The same, of files without a name."""

    def perturb(self, x, rng):
        with tempfile.TemporaryFile() as deleted:
            for file in (os.memfd_create("first"), os.memfd_create("second"), deleted.fileno()):
                for _ in range(100):
                    os.write(file, bytes(MIB))
            time.sleep(3)
        return x


class Hides(Defense):
    """Keeps its process from being looked at (PR_SET_DUMPABLE)."""

    def perturb(self, x, rng):
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
        time.sleep(3)
        return x


class Multiplies(Defense):
    def perturb(self, x, rng):
        while True:
            if os.fork() == 0:
                os.setsid()
                time.sleep(1000)


@dataclass(frozen=True)
class Reads(Defense):
    folder: str = parameter("", "where it would like to read; a file could be named, to be read by right")
    name: str = parameter("results.json", "what it would like to read there")

    def perturb(self, x, rng):
        try:
            (Path(self.folder) / self.name).read_bytes()
        except PermissionError:
            return x
        return torch.full_like(x, 0.5)


@dataclass(frozen=True)
class ReadsInEveryThread(Defense):
    """Reads in the threads that were there before it, by a handler that is called in the thread that is signalled."""

    path: str = parameter("", "what it would like to read")

    def perturb(self, x, rng):
        torch.ones(2**20).add(1)  # Work for all threads of torch, which are started at the latest now.
        libc, refused, read = ctypes.CDLL(None), [], []

        @ctypes.CFUNCTYPE(None, ctypes.c_int)
        def try_it(_):
            try:
                read.append(Path(self.path + ".txt").read_bytes())
            except PermissionError:
                refused.append(True)

        libc.signal(signal.SIGUSR1, try_it)
        threads = [int(thread) for thread in os.listdir("/proc/self/task")]
        assert len(threads) > 1
        for thread in threads:
            libc.tgkill(os.getpid(), thread, signal.SIGUSR1)
        while len(read) + len(refused) < len(threads):
            time.sleep(0.01)
        return torch.full_like(x, 0.5) if read else x


@dataclass(frozen=True)
class Writes(Defense):
    path: str = parameter("", "where it would like to write")

    def perturb(self, x, rng):
        (Path(tempfile.gettempdir()) / "own").write_text("mine")
        try:
            Path(self.path).write_text("was here")
        except OSError as error:
            return x if error.errno in (errno.EACCES, errno.EROFS) else x * 0
        return torch.full_like(x, 0.5)


class PatchesTorch(Defense):
    def perturb(self, x, rng):
        torch.Tensor.clamp = lambda self, *given: self * 0
        torch.manual_seed(0)
        return x


@dataclass(frozen=True)
class Calls(Defense):
    port: int = parameter(0, "where it would like to call")

    def perturb(self, x, rng):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=2)
        except OSError:
            return x
        return torch.full_like(x, 0.5)


@dataclass(frozen=True)
class Whispers(Defense):
    """Sends without connecting, which Landlock does not know."""

    port: int = parameter(0, "where it would like to be heard")

    def perturb(self, x, rng):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            try:
                end.sendto(b"secret", ("127.0.0.1", self.port))
            except OSError:
                return x
        return torch.full_like(x, 0.5)


@dataclass(frozen=True)
class Kills(Defense):
    pid: int = parameter(0, "whom it would like to kill")

    def perturb(self, x, rng):
        try:
            os.kill(self.pid, signal.SIGKILL)
        except (PermissionError, ProcessLookupError):
            return x
        return torch.full_like(x, 0.5)


@dataclass(frozen=True)
class Marks(Defense):
    """Changes of a file what is no content: Landlock knows nothing of it. Its own it may."""

    path: str = parameter("", "what it would like to change")
    change: str = parameter("mode", "what of it", choices=("mode", "times", "attribute"))

    def perturb(self, x, rng):
        own = Path(tempfile.gettempdir()) / "own"
        own.write_text("mine")
        self.mark(own)
        try:
            self.mark(Path(self.path + ".txt"))
        except OSError as error:
            return x if error.errno == errno.EROFS else x * 0
        return torch.full_like(x, 0.5)

    def mark(self, path):
        if self.change == "mode":
            path.chmod(0o600)
        elif self.change == "times":
            os.utime(path, (0, 0))
        else:
            os.setxattr(path, "user.note", b"was here")


class Remounts(Defense):
    """Tries to make what it sees writable again, as it is and in namespaces of its own."""

    def perturb(self, x, rng):
        libc, writable = ctypes.CDLL(None), (ctypes.c_uint64 * 4)(0, 1, 0, 0)
        succeeded = []
        for namespaces in (0, 0x20000, 0x10000000, 0x10020000):
            if os.fork() == 0:
                libc.unshare(namespaces)
                done = [
                    libc.syscall(442, -100, b"/", 0x8000, writable, 32) == 0,
                    libc.mount(None, b"/", None, 32 | 4096, None) == 0,
                    libc.umount2(tempfile.gettempdir().encode(), 2) == 0,
                ]
                os._exit(any(done))
            succeeded.append(os.wait()[1])
        return torch.full_like(x, 0.5) if any(succeeded) else x


@dataclass(frozen=True)
class Meddles(Defense):
    """Sets something of another process: Landlock knows nothing of it."""

    pid: int = parameter(0, "of whom; of none but this one, so that no test harms whoever runs it")
    what: str = parameter("limit", "what", choices=("limit", "processors", "priority"))

    def perturb(self, x, rng):
        try:
            if self.what == "limit":
                resource.prlimit(self.pid, resource.RLIMIT_CORE, (0, 0))
            elif self.what == "processors":
                os.sched_setaffinity(self.pid, {min(os.sched_getaffinity(0))})
            else:
                os.setpriority(os.PRIO_PROCESS, self.pid, 19)
        except (PermissionError, ProcessLookupError):
            return x
        return torch.full_like(x, 0.5)


@dataclass(frozen=True)
class Shares(Defense):
    """Writes in memory of System V that another program shares."""

    key: int = parameter(0, "what it is shared under")

    def perturb(self, x, rng):
        libc = ctypes.CDLL(None)
        return x if libc.shmget(self.key, 1, 0) < 0 else torch.full_like(x, 0.5)


class Powers(Defense):
    """Shows which rights of root it has."""

    def perturb(self, x, rng):
        held = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line[:3] == "Cap"]
        # Inheritable, permitted, effective; but for that by which root reads what others have closed.
        return torch.full_like(x, float(any(int(each, 16) & ~2 for each in held[:3])))


class Aborts(Defense):
    def perturb(self, x, rng):
        os.abort()


class Abandons(Defense):
    """Leaves a process behind that would outlive it."""

    def perturb(self, x, rng):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(1000)
            os._exit(0)
        os.wait()
        os._exit(4)


class Babbles(Defense):
    def perturb(self, x, rng):
        # One of them is what it is asked through: of the number that this has in the harness, which may be any.
        for descriptor in range(3, 1024):
            try:
                os.write(descriptor, b"\x00\x00\x00\x08nonsense")
            except OSError:
                continue
        time.sleep(100)


class Raises(Defense):
    def perturb(self, x, rng):
        raise ValueError("the dog ate it")


class Secretive(Defense):
    def perturb(self, x, rng):
        return torch.full_like(x, 1.0 if "GAN_TEST_SECRET" in os.environ else 0.0)


class Runs(Defense):
    """Runs a program: allowed, as long as it ends."""

    def perturb(self, x, rng):
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        return x


class Prying(Attack):
    """Asks for more than its budget, takes the refusal, and goes on."""

    def fit(self, oracle, knowledge, rng):
        answers = oracle.query(oracle.remaining)
        try:
            oracle.query(1)
        except Exception as error:
            knowledge.report("refused", float(type(error).__name__ == "BudgetError"))
        return knowledge.train(answers, knowledge.recipe, rng)


class Constant(Attack):
    """Has a model of its own, and uses all that it is granted."""

    @property
    def threat_model(self):
        return ThreatModel(discriminator=True, real_share=0.5, defense=True)

    def queries(self, budget):
        return budget - 1

    def fit(self, oracle, knowledge, rng):
        answers = oracle.query(oracle.remaining)
        knowledge.report("queried", len(answers))
        knowledge.report("logits", float(knowledge.discriminator(answers).mean()))
        knowledge.report("real", len(knowledge.real_images))
        defended = knowledge.defense.answer(knowledge.real_images, rng)
        return OneImage(defended[0], knowledge.image_shape)


class OneImage:
    def __init__(self, image, image_shape):
        self.image, self.image_shape = image, image_shape

    def sample(self, n, rng):
        return self.image.expand(n, -1, -1, -1).contiguous()


class DiesWhenTrainedThrough(Attack):
    def fit(self, oracle, knowledge, rng):
        return knowledge.train(oracle.query(oracle.remaining), knowledge.recipe, rng, Leaves())
