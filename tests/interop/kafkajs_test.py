#!/usr/bin/python3 -B
"""kafkajs 2.2.4: pure JavaScript, versions without tagged fields that little else speaks (Metadata 6, Produce 7).
ODRADEK_NODE_MODULES names the node_modules folder that has it."""
import os
import pathlib
import shutil

import suite
from broker import run_program

kafkajs = suite.Suite('kafkajs')
HERE = pathlib.Path(__file__).resolve().parent


def modules():
    folder = os.environ.get('ODRADEK_NODE_MODULES', '')
    if not folder:
        raise suite.Missing('ODRADEK_NODE_MODULES is not set: a node_modules folder with kafkajs 2.2.4')
    if not os.path.isdir(f'{folder}/kafkajs'):
        raise suite.Missing(f'ODRADEK_NODE_MODULES={folder} has no kafkajs')
    if shutil.which('node') is None:
        raise suite.Missing('node is not installed')
    return folder


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
