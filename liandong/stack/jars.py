"""The class path of Apache Kafka: the jars listed in `kafka-jars.txt`, downloaded from Maven Central into a cache.

A jar enters the cache only when it is complete and has the checksum of the list, under a lock shared by all processes of the
machine. So every cached jar is valid: a warm start needs no network, an interrupted first start continues where it ended, two
first starts at the same time download each jar once, and any mirror may serve them.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import requests
from jgo.config import GlobalSettings
from jgo.constants import MAVEN_CENTRAL_URL
from jgo.maven import MavenContext

from liandong.stack.errors import StackError

LIST = Path(__file__).with_name("kafka-jars.txt")
_PARALLEL = 8
_TRIES = 3
_TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Jar:
    """One line of the list: Maven coordinates and the SHA-256 of the file."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


def listed() -> list[Jar]:
    """The jars of the list, in class path order."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    entries = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    return [_jar(coordinates, sha256) for coordinates, sha256 in entries]


def _jar(coordinates: str, sha256: str) -> Jar:
    group, artifact, version = coordinates.split(":")
    return Jar(group, artifact, version, sha256)


def cache_folder() -> Path:
    """`LIANDONG_CACHE`, or `liandong` in the user's cache folder."""
    if named := os.environ.get("LIANDONG_CACHE"):
        return Path(named).expanduser().resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "liandong"


def class_path(say: Callable[[str], None]) -> str:
    """The class path; missing jars are downloaded first. Blocks: run it in a thread. Raises StackError."""
    folder = cache_folder() / "jars"
    jars = listed()
    if missing := _missing(jars, folder):
        _fetch_missing(missing, folder, say)
    return os.pathsep.join(str(folder / jar.file) for jar in jars)


def _missing(jars: list[Jar], folder: Path) -> list[Jar]:
    return [jar for jar in jars if not (folder / jar.file).is_file()]


def _fetch_missing(jars: list[Jar], folder: Path, say: Callable[[str], None]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _exclusive(folder.parent / "jars.lock", say), tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            # Another process may have downloaded them while this one waited for the lock.
            _fetch(_missing(jars, folder), folder, Path(scratch), say)
    except OSError as cause:
        raise StackError(
            f"The jars of Apache Kafka cannot be stored in {folder}.",
            why=str(cause),
            remedy="Free 60 MB there, or set LIANDONG_CACHE to another folder.",
            chinese=f"无法将 Kafka 程序包写入 {folder}:请腾出磁盘空间(60 MB),或用 LIANDONG_CACHE 指定其他目录。",
        ) from cause


def _fetch(jars: list[Jar], folder: Path, scratch: Path, say: Callable[[str], None]) -> None:
    if not jars:
        return
    say(f"fetching Apache Kafka, once: {len(jars)} jars (正在下载 Kafka,仅首次需要)")
    with ThreadPoolExecutor(_PARALLEL) as pool:
        work = [pool.submit(_fetch_one, jar, folder, scratch) for jar in jars]
        try:
            for count, done in enumerate(as_completed(work), 1):
                done.result()
                if count % 10 == 0 or count == len(jars):
                    say(f"fetching Apache Kafka: {count} of {len(jars)} jars")
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _fetch_one(jar: Jar, folder: Path, scratch: Path) -> None:
    failure = ""
    for attempt in range(_TRIES):
        for repository in repositories().values():
            cache = Path(tempfile.mkdtemp(dir=scratch))
            try:
                context = MavenContext(repo_cache=cache, remote_repos={"here": repository}, timeout=_TIMEOUT_SECONDS)
                file = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
            except (requests.RequestException, RuntimeError) as cause:
                failure = f"{repository}: {cause}"
                continue
            if hashlib.sha256(file.read_bytes()).hexdigest() == jar.sha256:
                file.replace(folder / jar.file)
                return
            failure = f"{repository} sent another {jar.file} than the one this version was tested with"
            shutil.rmtree(cache, ignore_errors=True)
        time.sleep(attempt)
    raise StackError(
        f"{jar.file}, a part of Apache Kafka, could not be fetched.",
        why=failure,
        remedy="Check the network and its proxy (HTTPS_PROXY), set LIANDONG_MAVEN to a Maven mirror, or copy the "
        f"folder {folder} from a machine that has it. The jars fetched so far are kept: start again.",
        chinese="下载 Kafka 程序包失败:请检查网络或代理,或用 LIANDONG_MAVEN 指定 Maven 镜像;已下载部分会保留。",
    )


def repositories() -> dict[str, str]:
    """The Maven repositories in order: `LIANDONG_MAVEN`, then those of the user's jgo settings, then Maven Central."""
    named = os.environ.get("LIANDONG_MAVEN")
    first = {"named": named.rstrip("/")} if named else {}
    return {**first, **GlobalSettings.load().repositories, "central": MAVEN_CENTRAL_URL}


@contextlib.contextmanager
def _exclusive(lock: Path, say: Callable[[str], None]) -> Generator[None]:
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process is fetching Apache Kafka: waiting for it (另一进程正在下载 Kafka,请稍候)")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
