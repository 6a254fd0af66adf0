"""Apache Kafka's own programs, where they are on this machine: Java, and a folder with Kafka's jars and what they need
(a Kafka's `libs`), fetched by tests/interop/fetch or named by ODRADEK_KAFKA_JARS."""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import clients
from broker import HOST, die_with_parent, free_port, run_program

CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qk'
DUMP_LOG = 'org.apache.kafka.tools.DumpLogSegments'


def jars():
    """The folder. Raises Missing with the reason."""
    folder = clients.find('Apache Kafka 4.3', 'ODRADEK_KAFKA_JARS', 'jars', 'java')
    if not list(folder.glob('kafka-tools-4.*.jar')):
        raise suite.Missing(f'{folder} has no kafka-tools-4.*.jar')
    return str(folder)


def command(main_class, *arguments, folder=None):
    """A command line for a class of Kafka's, or for one in a folder beside them."""
    classes = f'{folder}:{jars()}/*' if folder else f'{jars()}/*'
    # Small and quick to start rather than fast.
    return ['java', '-Xmx400m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', classes, main_class,
            *map(str, arguments)]


def run_kafka(main_class, *arguments, text=''):
    done = run_program(command(main_class, *arguments), text, timeout_s=120)
    assert done.returncode == 0, f'{main_class} {arguments} ended with {done.returncode}: {done.stderr.decode()[-2000:]}'
    return done.stdout.decode()


class KafkaBroker:
    """One Apache Kafka node, broker and controller in one; `data` is its data directory, formatted if it is new."""

    def __init__(self, data=None, settings=('log.index.interval.bytes=512', 'log.segment.bytes=1048576')):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='odradek-kafka-'))
        self.data = pathlib.Path(data) if data else self.folder / 'data'
        self.port = free_port()
        self.log_path = self.folder / 'kafka.log'
        controller = f'{HOST}:{free_port()}'
        self.properties = self.folder / 'server.properties'
        self.properties.write_text('\n'.join([
            'process.roles=broker,controller', 'node.id=1', f'controller.quorum.voters=1@{controller}',
            f'listeners=PLAINTEXT://{self.address},CONTROLLER://{controller}', f'advertised.listeners='
            f'PLAINTEXT://{self.address}', 'controller.listener.names=CONTROLLER', f'log.dirs={self.data}',
            'offsets.topic.replication.factor=1', 'offsets.topic.num.partitions=1',
            'transaction.state.log.replication.factor=1', 'transaction.state.log.min.isr=1',
            'transaction.state.log.num.partitions=1', *settings, '']))
        self.process = None
        try:
            if data is None:
                run_kafka('kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', self.properties)
            self.start()
        except BaseException:
            self.close()
            raise

    @property
    def address(self):
        return f'{HOST}:{self.port}'

    def start(self):
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen(command('kafka.Kafka', self.properties), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, preexec_fn=die_with_parent)
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), timeout=1):
                return
            time.sleep(0.1)
        raise RuntimeError(f'Kafka does not serve:\n{self.log_path.read_text(errors="replace")[-3000:]}')

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)

    def sigkill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.sigkill()
        shutil.rmtree(self.folder, ignore_errors=True)
