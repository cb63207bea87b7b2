"""The engine process with a cluster of one shard that is itself: Distributed tables work, replicas and Keeper do not.

python -m tests.cluster.engine --path DIR …        as `python -m tracestore.engine`
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from tests.engine_process import EngineProcess
from tracestore.engine import __main__ as engine
from tracestore.engine import database
from tracestore.engine.settings import server_options

CLUSTER = "one"
#: `twice`: the same machine as two shards. What asks both sees everything twice, what asks one does not.
CONFIGURATION = """<clickhouse>
    <tcp_port>9000</tcp_port>
    <remote_servers>
        <one><shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard></one>
        <twice>
            <shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard>
            <shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard>
        </twice>
    </remote_servers>
</clickhouse>
"""


class ClusterEngine(EngineProcess):
    module = "tests.cluster.engine"


def with_cluster(path: Path, max_memory: int) -> dict[str, int | str]:
    configuration = path.with_name(f"{path.name}.cluster.xml")
    configuration.write_text(CONFIGURATION)
    return {**server_options(path, max_memory), "config-file": str(configuration)}


if __name__ == "__main__":
    engine.server_options = with_cluster
    # chDB takes the file's path as it is written; it does not undo what urlencode does to the slashes.
    database.urlencode = partial(urlencode, safe="/")
    sys.exit(engine.main())
