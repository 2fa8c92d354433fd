import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "datasets")]  # examples_work, examples_data


@pytest.fixture
def two_machines() -> Iterator[object]:
    """A real Ray cluster of two nodes on this machine, one processor each; ``.second`` is the one to kill."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray = pytest.importorskip("ray", reason="this Python has no Ray: pip install 'duologue[cluster]'")
    from ray.cluster_utils import Cluster

    before, handler = os.environ.get("PYTHONPATH"), signal.getsignal(signal.SIGTERM)
    backend = HERE.parents[1] / "backend"
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE), str(backend), before]))
    small = {"num_cpus": 1, "object_store_memory": 100 * 1024**2}
    cluster = Cluster(initialize_head=True, head_node_args={**small, "include_dashboard": False})
    try:
        cluster.second = cluster.add_node(**small)
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()
        signal.signal(signal.SIGTERM, handler)  # Ray has put its own there
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
