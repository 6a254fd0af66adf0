#!/usr/bin/python3 -B
"""@confluentinc/kafka-javascript 1.10: Node.js over librdkafka 2.15, the newest that is about. tests/interop/fetch
builds it, or ODRADEK_KAFKA_JAVASCRIPT names the node_modules folder that has it."""
import pathlib

import clients
import suite
from broker import run_program, run_under_kills

kafka_javascript = suite.Suite('kafka-javascript')
HERE = pathlib.Path(__file__).resolve().parent
BINDING = 'build/Release/confluent-kafka-javascript.node'


def modules():
    folder = clients.find('kafka-javascript', 'ODRADEK_KAFKA_JAVASCRIPT', 'kafka_javascript/node_modules', 'node')
    if not (folder / '@confluentinc/kafka-javascript' / BINDING).is_file():
        raise suite.Missing(f'{folder} has no built @confluentinc/kafka-javascript')
    return str(folder)


@kafka_javascript.requires
def is_installed():
    modules()


def command(broker, check, topic):
    return ['env', f'NODE_PATH={modules()}', 'node', str(HERE / 'kafka_javascript_client.js'), broker.address, check,
            topic]


def add_check(what, check):
    @kafka_javascript.check(what)
    def run(world):
        done = run_program(command(world.broker, check, world.topic(check)))
        assert done.returncode == 0, done.stderr.decode()[-3000:]


add_check('produce: every codec, acks -1, 1, 0; consume', 'produce')
add_check('idempotent producer', 'idempotent')
add_check('admin: topics, partitions, configs, refusals', 'admin')
add_check('offsets, offsets by timestamp, deleteTopicRecords', 'offsets')


@kafka_javascript.check('SIGKILL under load, idempotent: each record once, in order', timeout_s=120)
def sigkill(world):
    broker = world.new_broker()
    began, loaded = run_under_kills(broker, command(broker, 'load', 't'), timeout_s=60)
    assert began and loaded.returncode == 0, loaded.stderr.decode()[-3000:]
    # Once more, from what the disk has.
    broker.sigkill()
    broker.start()
    done = run_program(command(broker, 'verify', 't'), loaded.stdout.split()[0])
    assert done.returncode == 0, done.stderr.decode()[-3000:]


kafka_javascript.not_yet('consumer groups, transactions', 'no group and no transaction coordinator in this version')

if __name__ == '__main__':
    suite.main([kafka_javascript], __doc__)
