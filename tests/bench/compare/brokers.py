"""The two brokers: how each is prepared, started, measured and ended. A broker has a folder and a port of its own, and
nothing that is started here outlives the run."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'interop'))
from broker import HOST  # noqa: E402

CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qk'
# Equal for both; everything else is Kafka's default. Deleted topics leave the page cache before the next window.
SETTINGS = {'log.segment.delete.delay.ms': '100'}


class LoadFailed(Exception):
    pass


def load(binary, name, *arguments, timeout_s=300):
    """One load; what it measured."""
    done = subprocess.run([str(binary), name, *map(str, arguments)], capture_output=True, text=True, timeout=timeout_s,
                          check=False)
    if done.returncode != 0:
        raise LoadFailed(f'{name} {" ".join(map(str, arguments))}: {done.stderr.strip()[-1000:]}')
    return json.loads(done.stdout)


class Broker:
    """Base of both. `load_binary` is the generator."""
    name = ''

    def __init__(self, load_binary, port, settings=None):
        self.load_binary = load_binary
        self.port = port
        self.settings = dict(SETTINGS, **(settings or {}))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f'odradek-compare-{self.name}-'))
        self.data = self.folder / 'data'
        self.output = self.folder / 'broker.log'
        self.pid = None
        self.topic_count = 0

    def boot(self, topic='boot', create_partitions=1):
        """Starts the process; seconds until it has acknowledged a record."""
        done = load(self.load_binary, 'boot', '--port', self.port, '--topic', topic, '--create-partitions',
                    create_partitions, '--output', self.output, '--', *self.command())
        self.pid = done['pid']
        return done

    def load(self, name, topic, *arguments):
        return load(self.load_binary, name, '--port', self.port, '--pid', self.pid, '--topic', topic, *arguments)

    def memory(self):
        return self.load('memory', 'none')

    def new_topic(self):
        self.topic_count += 1
        return f'window-{self.topic_count}'

    def end(self, signal_number, patience_s=60):
        """Ends the process and waits for it; it is a child of a generator that has ended."""
        if self.pid is None:
            return
        pid, self.pid = self.pid, None
        os.kill(pid, signal_number)
        deadline = time.monotonic() + patience_s
        while pathlib.Path(f'/proc/{pid}').exists() and self.state_of(pid) != 'Z':
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                raise RuntimeError(f'{self.name} does not end')
            time.sleep(0.01)

    @staticmethod
    def state_of(pid):
        try:
            return pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return 'Z'

    def stop(self):
        self.end(signal.SIGTERM)

    def kill(self):
        self.end(signal.SIGKILL)

    def close(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Odradek(Broker):
    name = 'odradek'
    binary = None

    def command(self):
        overrides = [word for key, value in self.settings.items() for word in ('--override', f'{key}={value}')]
        return [str(self.binary), 'broker', '--listener', f'{HOST}:{self.port}', '--data', str(self.data), *overrides]


class Kafka(Broker):
    name = 'kafka'
    jars = None
    heap = '-Xmx1G'

    def __init__(self, load_binary, port, settings=None):
        super().__init__(load_binary, port, settings)
        controller = f'{HOST}:{port + 1}'
        lines = ['process.roles=broker,controller', 'node.id=1', f'controller.quorum.voters=1@{controller}',
                 f'listeners=PLAINTEXT://{HOST}:{port},CONTROLLER://{controller}',
                 f'advertised.listeners=PLAINTEXT://{HOST}:{port}', 'controller.listener.names=CONTROLLER',
                 f'log.dirs={self.data}', 'offsets.topic.replication.factor=1',
                 *(f'{key}={value}' for key, value in self.settings.items())]
        self.properties = self.folder / 'server.properties'
        self.properties.write_text('\n'.join(lines) + '\n')
        # Before the clock starts: a new Kafka node does not start in a folder that was not formatted.
        subprocess.run(self.java('kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', self.properties),
                       check=True, capture_output=True)

    def java(self, main_class, *arguments):
        return ['java', self.heap, '-server', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20',
                '-XX:InitiatingHeapOccupancyPercent=35', '-cp', f'{self.jars}/*', main_class, *map(str, arguments)]

    def command(self):
        return self.java('kafka.Kafka', self.properties)


def find_jars():
    """The folder with Kafka's jars, or why there is none."""
    folder = os.environ.get('ODRADEK_KAFKA_JARS', '')
    if shutil.which('java') is None:
        return None, 'java is not installed'
    if not folder:
        return None, 'ODRADEK_KAFKA_JARS is not set (tests/interop/README.md says how to get the jars)'
    if not list(pathlib.Path(folder).glob('kafka_2.13-4.*.jar')):
        return None, f'ODRADEK_KAFKA_JARS is {folder}, and kafka_2.13-4.*.jar is not there'
    return folder, ''
