#!/usr/bin/env python3
"""The same requests to Odradek and to Apache Kafka 4.3, and their answers side by side (differential/README.md).

    differential_test.py                 Odradek beside the recorded answers of Kafka; Kafka itself too, if it is here
    differential_test.py record          asks Kafka and writes the recording anew
"""
import argparse
import os
import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent / 'differential'
sys.path.insert(0, str(FOLDER))

import allowed  # noqa: E402
import kafka_programs  # noqa: E402
import node  # noqa: E402
import all_requests  # noqa: E402
import script as scripts  # noqa: E402
import suite  # noqa: E402
from broker import Broker  # noqa: E402

RECORDING = FOLDER / 'kafka-4.3.1.txt'
# The times of the records are of 1970; nothing may be deleted while the script runs.
SETTINGS = {'log.retention.ms': '-1', 'offsets.topic.replication.factor': '1', 'offsets.topic.num.partitions': '1',
            'transaction.state.log.replication.factor': '1', 'transaction.state.log.min.isr': '1',
            'transaction.state.log.num.partitions': '1'}
SHOWN_MAX = 60


def ask_kafka():
    broker = kafka_programs.KafkaBroker(settings=[f'{key}={value}' for key, value in SETTINGS.items()])
    try:
        return all_requests.build().run(node.Node(broker.port, {str(broker.data): '<data>'}, settle_s=0.3))
    finally:
        broker.close()


def ask_odradek(binary):
    broker = Broker(binary, **{key.replace('.', '_'): value for key, value in SETTINGS.items()})
    try:
        answers = all_requests.build().run(node.Node(broker.port, {str(broker.data): '<data>'}))
        assert broker.is_running(), 'the broker died'
        return answers
    except BaseException:
        print(broker.log_tail(), file=sys.stderr)
        raise
    finally:
        broker.close()


def compare(expected, actual, judge):
    """Prints differences that `judge` gives no reason for; returns (answers, reasons by number, differences)."""
    assert list(expected) == list(actual), 'the recording is of other requests; record it anew'
    reasons, bad = {}, []
    for (title, version), answer in expected.items():
        ours = actual[title, version]
        for path, theirs, mine in scripts.differences(answer, ours):
            reason = judge(allowed.Difference(title, version, path, theirs, mine, (answer, ours)))
            if reason is None:
                bad.append(f'{title}, version {version}: {path or "the answer"}: Kafka {allowed.as_text(theirs)}, '
                           f'ours {allowed.as_text(mine)}')
            else:
                reasons[reason] = reasons.get(reason, 0) + 1
    return reasons, bad


def report(what, expected, actual, judge):
    reasons, bad = compare(expected, actual, judge)
    for line in bad[:SHOWN_MAX]:
        print(line)
    if len(bad) > SHOWN_MAX:
        print(f'… and {len(bad) - SHOWN_MAX} more')
    meant = sum(reasons.values())
    print(f'{what}: {len(expected)} answers, {len(bad)} differences that are not meant, {meant} that are:')
    for reason, count in sorted(reasons.items(), key=lambda one: -one[1]):
        print(f'  {count:5} {reason}')
    return not bad


def write_recording():
    answers = ask_kafka()
    RECORDING.write_text('\n'.join(scripts.to_lines(answers)) + '\n')
    print(f'{len(answers)} answers of Apache Kafka in {RECORDING}')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--binary', default=os.environ.get('ODRADEK_BINARY') or suite.default_binary())
    parser.add_argument('what', nargs='?', choices=('compare', 'record'), default='compare')
    arguments = parser.parse_args()
    if arguments.what == 'record':
        return write_recording()
    recorded = scripts.from_lines(RECORDING.read_text().splitlines())
    fine = report('Odradek', recorded, ask_odradek(arguments.binary), allowed.reason_for)
    try:
        kafka_programs.jars()
    except suite.Missing as why:
        print(f'Apache Kafka itself is not asked again: {why}')
    else:
        fine = report('Apache Kafka', recorded, ask_kafka(), allowed.of_two_runs) and fine
    return 0 if fine else 1


if __name__ == '__main__':
    sys.exit(main())
