#!/usr/bin/python3 -B
"""Clients in Go: franz-go, sarama, segmentio/kafka-go. tests/interop/fetch builds the program of go/ that uses them, or
ODRADEK_GO_CLIENTS names it."""
import clients
import suite
from broker import run_program

CHECKS = {
    'franz-go': {'produce': 'produce: every codec, acks all, 1, 0; consume', 'idempotent': 'idempotent, five in flight',
                 'admin': 'admin: topics, partitions, configs, log directories',
                 'offsets': 'offsets by timestamp, delete records, epochs', 'errors': 'refusals by their names'},
    'sarama': {'produce': 'produce: every codec, acks all, 1, 0; consume', 'idempotent': 'idempotent producer',
               'admin': 'admin: topics, partitions, configs, log directories',
               'offsets': 'offsets by timestamp, delete records', 'old': 'produce and consume as in Kafka 0.11'},
    'segmentio': {'produce': 'produce: every codec; consume', 'admin': 'admin: topics, offsets'},
}


def program():
    return clients.find('clients in Go', 'ODRADEK_GO_CLIENTS', 'go_clients')


def make_suite(client):
    of_client = suite.Suite(client)
    of_client.requires(program)
    for check, what in CHECKS[client].items():
        def run(world, check=check):
            done = run_program([program(), client, check, world.broker.address, world.topic(check)])
            assert done.returncode == 0, done.stderr.decode()[-3000:]
        of_client.check(what)(run)
    of_client.not_yet('consumer groups', 'there is no group coordinator in this version')
    return of_client


suites = [make_suite(client) for client in CHECKS]

if __name__ == '__main__':
    suite.main(suites, __doc__)
