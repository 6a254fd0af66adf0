#!/usr/bin/python3
"""Kafka's own tools for clusters, and its console clients through the death of a leader, against
three nodes of `odradek dev`."""
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

import kafka_programs
import suite
from broker import HOST, die_with_parent, free_port, run_program

sys.dont_write_bytecode = True
cluster = suite.Suite('kafka, 3 brokers')
TOOLS = 'org.apache.kafka.tools.'
READY_SECONDS = 60


@cluster.requires
def can_run_tools():
    kafka_programs.jars()


class Nodes:
    """Three nodes that are one cluster."""

    def __init__(self, binary, folder):
        port = free_port()
        self.servers = ','.join(f'{HOST}:{port + i}' for i in range(3))
        self.log = open(f'{folder}/dev.log', 'w+b')
        self.process = subprocess.Popen(
            [binary, 'dev', '--real', '--brokers', '3', '--data', f'{folder}/data', '--port', str(port),
             '--controller-port', str(port + 100), '--override', 'broker.session.timeout.ms=3000',
             '--override', 'broker.heartbeat.interval.ms=500'],
            stdout=self.log, stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
        deadline = time.monotonic() + READY_SECONDS
        while 'the cluster is ready' not in self.text():
            assert time.monotonic() < deadline and self.process.poll() is None, self.text()
            time.sleep(0.1)

    def text(self):
        self.log.flush()
        with open(self.log.name, encoding='utf-8') as log:
            return log.read()

    def pid(self, node):
        return int(re.findall(rf'node {node}\b.*?pid (\d+)', self.text())[-1])

    def kill(self, node):
        os.kill(self.pid(node), signal.SIGKILL)

    def tool(self, name, *arguments, text=''):
        name = name if name.startswith('kafka.') else TOOLS + name
        done = run_program(kafka_programs.command(name, '--bootstrap-server', self.servers, *arguments), text)
        printed = (done.stdout + done.stderr).decode()
        assert done.returncode == 0, f'{name} {arguments} ended with {done.returncode}: {printed}'
        return printed

    def leader(self, topic):
        return int(re.search(r'Leader: (\d+)', self.tool('TopicCommand', '--describe', '--topic', topic)).group(1))

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


@contextlib.contextmanager
def three_nodes(world):
    with tempfile.TemporaryDirectory(prefix='odradek-interop-') as folder:
        nodes = Nodes(world.binary, folder)
        try:
            yield nodes, folder
        except Exception as failure:
            raise AssertionError(f'{failure}\n--- dev log:\n{nodes.text()[-3000:]}') from failure
        finally:
            nodes.close()


def lines(first, end):
    return ''.join(f'{i}\n' for i in range(first, end))


def produce(nodes, topic, first, end):
    nodes.tool('ConsoleProducer', '--topic', topic, '--command-property', 'acks=all', text=lines(first, end))


def read(nodes, topic, count):
    told = nodes.tool('consumer.ConsoleConsumer', '--topic', topic, '--partition', '0', '--offset', 'earliest',
                      '--max-messages', str(count), '--timeout-ms', '30000')
    return ''.join(line for line in told.splitlines(True) if line.strip().isdigit())


@cluster.check('kafka-reassign-partitions, -leader-election: execute, list, verify, cancel', timeout_s=180)
def reassign(world):
    with three_nodes(world) as (nodes, folder):
        nodes.tool('TopicCommand', '--create', '--topic', 't', '--replica-assignment', '1:2')
        produce(nodes, 't', 0, 200)
        plan = f'{folder}/plan.json'
        with open(plan, 'w', encoding='utf-8') as file:
            json.dump({'version': 1, 'partitions': [{'topic': 't', 'partition': 0, 'replicas': [3, 2]}]}, file)
        told = nodes.tool('reassign.ReassignPartitionsCommand', '--reassignment-json-file', plan, '--execute')
        assert 'Successfully started partition reassignment for t-0' in told, told
        deadline = time.monotonic() + 60
        while True:
            told = nodes.tool('reassign.ReassignPartitionsCommand', '--reassignment-json-file', plan, '--verify')
            if 'Reassignment of partition t-0 is completed' in told:
                break
            assert time.monotonic() < deadline, told
        told = nodes.tool('TopicCommand', '--describe', '--topic', 't')
        assert re.search(r'Replicas: 3,2\s', told), told
        assert read(nodes, 't', 200) == lines(0, 200)
        told = nodes.tool('reassign.ReassignPartitionsCommand', '--list')
        assert 'No partition reassignments found' in told, told
        told = nodes.tool('LeaderElectionCommand', '--election-type', 'preferred', '--topic', 't', '--partition', '0')
        assert re.search('Successfully completed leader election|Valid replica already elected', told), told


@cluster.check('kafka-metadata-quorum, kafka-cluster: any broker answers for all', timeout_s=120)
def quorum(world):
    with three_nodes(world) as (nodes, _):
        everywhere = nodes.servers
        leaders = set()
        for server in everywhere.split(','):
            nodes.servers = server
            told = nodes.tool('MetadataQuorumCommand', 'describe', '--status')
            leaders.add(re.search(r'LeaderId: +(\d+)', told).group(1))
        assert len(leaders) == 1, leaders
        # The broker that is gone is forgotten.
        nodes.servers = everywhere
        leader = int(leaders.pop())
        gone = leader % 3 + 1
        nodes.kill(gone)
        done = run_program(kafka_programs.command(f'{TOOLS}ClusterTool', 'unregister', '--bootstrap-server', everywhere,
                                                  '--id', gone), '')
        assert f'Broker {gone} is no longer registered' in done.stdout.decode(), done


@cluster.check('acks=all through the death of a leader', timeout_s=180)
def deaths(world):
    with three_nodes(world) as (nodes, _):
        nodes.tool('TopicCommand', '--create', '--topic', 't', '--replica-assignment', '1:2:3', '--config',
                   'min.insync.replicas=2')
        produce(nodes, 't', 0, 300)
        nodes.kill(nodes.leader('t'))
        produce(nodes, 't', 300, 600)
        assert read(nodes, 't', 600) == lines(0, 600)


if __name__ == '__main__':
    suite.main([cluster], __doc__)
