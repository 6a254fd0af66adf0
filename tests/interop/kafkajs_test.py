#!/usr/bin/python3 -B
"""kafkajs 2.2.4: pure JavaScript, versions without tagged fields that little else speaks (Metadata 6, Produce 7).
tests/interop/fetch installs it, or ODRADEK_NODE_MODULES names the node_modules folder that has it."""
import pathlib

import clients
import suite
from broker import run_program

kafkajs = suite.Suite('kafkajs')
HERE = pathlib.Path(__file__).resolve().parent


def modules():
    folder = clients.find('kafkajs', 'ODRADEK_NODE_MODULES', 'node_modules', 'node')
    if not (folder / 'kafkajs').is_dir():
        raise suite.Missing(f'{folder} has no kafkajs')
    return str(folder)


@kafkajs.requires
def is_installed():
    modules()


def add_check(what, check):
    @kafkajs.check(what)
    def run(world):
        done = run_program(['node', str(HERE / 'kafkajs_client.js'), world.broker.address, check, world.topic(check)],
                           env={'NODE_PATH': modules()})
        assert done.returncode == 0, done.stderr.decode()


add_check('produce: plain and gzip, acks -1, 1, 0', 'produce')
add_check('idempotent producer', 'idempotent')
add_check('admin: topics, partitions, configs, cluster', 'admin')
add_check('offsets, offsets by timestamp, deleteTopicRecords', 'offsets')
kafkajs.not_yet('consumer', 'it consumes in groups only, and there is no group coordinator in this version')

if __name__ == '__main__':
    suite.main([kafkajs], __doc__)
