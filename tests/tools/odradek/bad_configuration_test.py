"""Bad server.properties, scenarios and fault plans: a table of texts and the exact error that names the place."""
import pathlib

import binary
from binary import BinaryTest

CALM = (pathlib.Path(__file__).resolve().parents[3] / 'scenarios/calm.txtpb').read_text()
INT32 = 'expected a whole number between {} and 2147483647'

# The file's name stands before each error.
SERVER_PROPERTIES = (
    ('nope=1\n', "1: unknown configuration 'nope'"),
    ('zookeeper.connect=x\nnope=1\n', "2: unknown configuration 'nope'"),
    ('a b c\n', "1: unknown configuration 'a'"),
    ('=1\n', '1: a line without a key'),
    ('log.retention.ms=\\u12\n',
     "1: bad \\u escape at key 'log.retention.ms': four hex digits are needed, and both halves of a pair"),
    ('num.partitions=1\nnum.partitions=2\n', "2: num.partitions is set twice: it is '1' already"),
    ('broker.id=1\nnode.id=2\n', "2: node.id is set twice: it is '1' already"),
    ('\n\nnum.partitions=many\n', "3: Invalid value 'many' for configuration num.partitions: " + INT32.format(1)),
    ('num.partitions=0\n', "1: Invalid value '0' for configuration num.partitions: " + INT32.format(1)),
    ('node.id=-5\n', "1: Invalid value '-5' for configuration node.id: " + INT32.format(0)),
    ('log.segment.bytes=5\n', "1: Invalid value '5' for configuration log.segment.bytes: " + INT32.format(1048576)),
    ('message.max.bytes=-1\n', "1: Invalid value '-1' for configuration message.max.bytes: " + INT32.format(0)),
    ('min.insync.replicas=0\n', "1: Invalid value '0' for configuration min.insync.replicas: " + INT32.format(1)),
    ('log.flush.interval.messages=99999999999999999999\n',
     "1: Invalid value '99999999999999999999' for configuration log.flush.interval.messages: expected a whole number "
     'between 1 and 9223372036854775807'),
    ('log.retention.hours=1.5\n',
     "1: Invalid value '1.5' for configuration log.retention.hours: expected a whole number between -1 and 2147483647, "
     'but not 0'),
    ('auto.create.topics.enable=maybe\n',
     "1: Invalid value 'maybe' for configuration auto.create.topics.enable: expected true or false"),
    ('compression.type=rar\n',
     "1: Invalid value 'rar' for configuration compression.type: expected one of: uncompressed, zstd, lz4, snappy, "
     'gzip, producer'),
    ('log.cleanup.policy=shred\n',
     "1: Invalid value 'shred' for configuration log.cleanup.policy: expected a list of: compact, delete"),
    ('process.roles=king\n',
     "1: Invalid value 'king' for configuration process.roles: expected a list of: broker, controller"),
    ('log.cleaner.io.max.bytes.per.second=fast\n',
     "1: Invalid value 'fast' for configuration log.cleaner.io.max.bytes.per.second: expected a number above 0"),
    ('ssl.keystore.location=/a\n',
     '1: ssl.keystore.location: this version does not support the feature that it sets up'),
    ('authorizer.class.name=x\n',
     "1: Invalid value 'x' for configuration authorizer.class.name: this version supports only its default ''"),
    ('log.dirs=a,a\n', "1: Invalid value 'a,a' for configuration log.dirs: 'a' is listed twice"),
    ('log.dirs=\n', '1: Invalid configuration log.dirs: it names no folder'),
    ('listeners=here\n',
     "1: Invalid value 'here' for configuration listeners: expected NAME://host:port with a port up to 65535"),
    ('#\nlisteners=PLAINTEXT://h:99999\n',
     "2: Invalid value 'PLAINTEXT://h:99999' for configuration listeners: expected NAME://host:port with a port up to "
     '65535'),
    ('listeners=PLAINTEXT://h:1,PLAINTEXT://h:2\n',
     '1: Invalid configuration listeners: listener PLAINTEXT is there twice'),
    ('listeners=SSL://h:1\n',
     '1: Invalid configuration listeners: SSL asks for security protocol SSL: this version supports only PLAINTEXT'),
    ('listeners=\n', "1: Invalid configuration listeners: it needs one that is not the controller's"),
    ('advertised.listeners=PLAINTEXT://0.0.0.0:9092\n',
     '1: Invalid configuration advertised.listeners: no client can reach 0.0.0.0 of PLAINTEXT'),
    ('controller.listener.names=C\n',
     "1: Invalid value 'C' for configuration controller.listener.names: none of them is in listeners"),
    ('listeners=CONTROLLER://:9093\ncontroller.listener.names=CONTROLLER\n',
     "1: Invalid configuration listeners: it needs one that is not the controller's"),
    ('#\ncontroller.listener.names=PLAINTEXT\n',
     '2: Invalid configuration controller.listener.names: it leaves none of listeners to clients'),
    ('listener.security.protocol.map=PLAINTEXT:PLAINTEXT\nlisteners=FRONT://:1\n',
     '2: Invalid configuration listeners: listener FRONT has no entry in listener.security.protocol.map'),
    ('listener.security.protocol.map=FRONT:PLAINTEXT\n',
     '1: Invalid configuration listener.security.protocol.map: listener PLAINTEXT has no entry in '
     'listener.security.protocol.map'),
    ('listener.security.protocol.map=PLAINTEXT:SSL\n',
     '1: Invalid configuration listener.security.protocol.map: PLAINTEXT asks for security protocol SSL: this version '
     'supports only PLAINTEXT'),
    ('listener.security.protocol.map=PLAINTEXT\n',
     "1: Invalid value 'PLAINTEXT' for configuration listener.security.protocol.map: expected NAME:PROTOCOL"),
    ('log.dirs=a,./a\n', '1: Invalid configuration log.dirs: {cwd}/a is there twice'),
    ('process.roles=broker\n',
     "1: Invalid value 'broker' for configuration process.roles: the controllers are reached by one of "
     'controller.listener.names, which is not set'),
    ('process.roles=broker\ncontroller.listener.names=C\n',
     "1: Invalid value 'broker' for configuration process.roles: controller.quorum.voters must say where the controllers "
     'are, and is not set'),
    ('controller.quorum.voters=1@a:1,b:1\n',
     "1: Invalid value 'b:1' for configuration controller.quorum.voters: expected id@host:port"),
    # A text that speaks of another property is not about it.
    ('node.id=1\nodradek.metrics.listener=configuration node.id: x\n',
     "2: Invalid value 'configuration node.id: x' for configuration odradek.metrics.listener: expected host:port"),
)

# What of calm.txtpb is replaced, by what, and the error behind the file's name.
SCENARIOS = (
    ('records: 60', 'recods: 60', '16:9: Message type "odradek.explore.Producers" has no field named "recods".'),
    ('records: 60', 'records: "many"', '16:12: Expected integer, got: "many"'),
    ('records: 60', 'records:', '17:3: Expected integer, got: value_bytes'),
    ('records: 60', 'records: -1', '16:3: records: -1 is not within 0 and 1000000'),
    ('records: 60', 'records: 99999999', '16:3: records: 99999999 is not within 0 and 1000000'),
    ('name: "calm"', 'name: ""', '1:1: name: is missing'),
    ('name: "calm"', 'name: "calm', '1:12: String literals cannot cross line boundaries.'),
    ('name: "calm"', '\0\1', '1:1: Invalid control characters encountered in text.'),
    ('brokers: 1', 'brokers: 8', '4:3: brokers: 8 is not within 1 and 7'),
    ('shards: 1', 'shards: 0', '5:3: shards: 0 is not within 1 and 2'),
    ('log.flush.scheduler.interval.ms', 'log.flush.sched', '6:19: name: there is no property "log.flush.sched"'),
    ('topic {\n  name: "t"', 'topic {\n  name: ""', '9:3: name: is missing'),
    ('partitions: [1, 2, 3]', '', '9:3: partitions: is missing'),
    ('partitions: [1, 2, 3]', 'partitions: [1, 0]', '10:3: partitions: 0 is not within 1 and 100'),
    ('partitions: [1, 2, 3]', 'partitions: [1] of_programs: true',
     '8:1: topic: all are of programs: producers, consumers, admins and strangers have none'),
    ('index.interval.bytes', 'index.intervall.bytes', '12:12: name: there is no property "index.intervall.bytes"'),
    ('value: "20000"', 'value: "lots"',
     "11:57: value: Invalid value 'lots' for configuration internal.segment.bytes: " + INT32.format(1)),
    ('value: "2000" value: "20000"', '', '11:12: value: internal.segment.bytes has no value'),
    ('count: 2', 'count: 1000', '15:3: count: 1000 is not within 0 and 100'),
    ('low: 24 high: 300', 'low: 300 high: 24', '17:3: value_bytes: low 300 is above high 24'),
    ('low: 24 high: 300', 'low: -1 high: 24', '17:3: value_bytes: -1 to 24 is not within 0 and 1000000'),
    ('keyed_ppm: 300000', 'keyed_ppm: 2000000', '18:3: keyed_ppm: 2000000 is not within 0 and 1000000'),
    ('acks: [-1, 1, 0]', 'acks: [2]', '20:3: acks: 2 is not within -1 and 1'),
    ('max_in_flight: [1, 2, 3, 5]', 'max_in_flight: [6]', '21:3: max_in_flight: 6 is not within 1 and 5'),
    ('"zstd"]', '"rar"]', '24:3: compression: there is no codec "rar"'),
    ('poll_records: [1, 7, 500]', 'poll_records: 0', '32:3: poll_records: 0 is not within 1 and 2147483647'),
    ('list_offsets_weight: 5\n  delete_records_weight: 1\n  topics_weight: 1', '',
     '39:1: admins: no kind of call has a weight'),
    ('phases {', 'phases', '46:8: Expected "{", found "faulty_ms".'),
    ('faulty_ms: 3000', 'faulty_ms: 0', '46:10: faulty_ms: 0 is not within 1 and 86400000'),
    ('liveness_ms: 60000', '', '46:10: liveness_ms: 0 is not within 1 and 86400000'),
    ('demanded', 'order { strategy: "lifo" } demanded', '47:9: strategy: there is no strategy "lifo"'),
    ('demanded', 'property: "Q99" demanded', '47:1: property: there is no property "Q99"'),
    ('demanded', 'fault { kind: CRASH role: "king" } demanded', '47:21: role: no node has the role "king"'),
    ('demanded', 'fault { kind: EARTHQUAKE } demanded',
     '47:26: Unknown enumeration value of "EARTHQUAKE" for field "kind".'),
    ('demanded', 'fault { role: "broker" } demanded', '47:9: kind: is missing'),
    ('demanded', 'program { name: "p" count: 1 } demanded', '47:11: name: this binary has no program "p"'),
    ('demanded', 'topic { name: "t" partitions: [1] } demanded', '47:9: name: "t" twice'),
    (CALM, '', ' name: is missing'),
)

EVENT = 'event {{ id: {} trigger {{ {} }} target {{ {} }} action {{ {} }} }}'
PLANS = (
    (EVENT.format(1, 'at_ns: -1', 'node: "b1"', 'crash {}'), '1:1: event 1: at_ns is negative'),
    (EVENT.format(1, 'at_ns: 1', 'node: "b9"', 'crash {}'), '1:1: event 1: there is no node "b9"'),
    (EVENT.format(0, 'at_ns: 1', 'node: "b1"', 'crash {}'), '1:1: an event needs an id above 0'),
    (EVENT.format(1, 'at_ns: 1', 'node: "b1"', 'crash { restart_after_ns: -5 }'),
     '1:1: event 1: restart_after_ns is negative'),
    (EVENT.format(1, 'at_ns: 1', 'node: "b1"', 'explode {}'),
     '1:75: Message type "odradek.sim.plan.Action" has no field named "explode".'),
    ('event { id: 1 trigger { at_ns: 1 } target { node: "b1" } }', '1:1: event 1: the action is missing'),
    ('event { id: 1 target { node: "b1" } action { crash {} } }', '1:1: event 1: the trigger is missing'),
    ('event { id: 1 trigger { at_ns: 1 } action { crash {} } }', '1:1: event 1: the target is missing'),
    ('\n'.join([EVENT.format(1, 'at_ns: 1', 'node: "b1"', 'crash {}')] * 2), '2:1: event id 1 is used twice'),
    ('event { id 1 }', '1:12: Expected ":", found "1".'),
    ('\0', '1:1: Invalid control characters encountered in text.'),
)


class BadConfiguration(BinaryTest):
    def test_server_properties(self):
        path = self.folder / 'server.properties'
        for content, text in SERVER_PROPERTIES:
            with self.subTest(content=content):
                path.write_text(content)
                result = self.fails(2, 'broker', '--config', path, cwd=self.folder)
                lines = [line for line in result.err.splitlines() if not line.startswith('warning: ')]
                self.assertEqual(lines, [f'odradek broker: {path}:{text.replace("{cwd}", str(self.folder))}'])
        self.assertEqual(list(self.folder.iterdir()), [path])

    def test_an_empty_file_is_read(self):
        path = self.folder / 'server.properties'
        path.write_text('')
        self.fails(2, 'broker', '--config', path, '--override', 'nope=1', cwd=self.folder,
                   says="--override: unknown configuration 'nope'")

    def test_scenarios(self):
        path = self.folder / 'wrong.txtpb'
        for old, new, text in SCENARIOS:
            with self.subTest(old=old[:40], new=new):
                self.assertIn(old, CALM)
                path.write_text(CALM.replace(old, new, 1))
                self.assertEqual(self.fails(2, 'sim', 'run', path, '--seeds', 1).err, f'odradek sim: {path}:{text}\n')

    def test_plans(self):
        scenario, path = self.folder / 'calm.txtpb', self.folder / 'wrong.plan'
        scenario.write_text(CALM)
        for content, text in PLANS:
            with self.subTest(content=content):
                path.write_text(content)
                result = self.fails(2, 'sim', 'replay', scenario, '--seed', 1, '--plan', path)
                self.assertEqual(result.err, f'odradek sim: {path}:{text}\n')


if __name__ == '__main__':
    binary.main()
