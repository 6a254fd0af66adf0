"""Bad command lines, client properties among them: a table of what is typed and the exact text that answers it."""
import binary
from binary import BinaryTest

AT = ('--bootstrap-server', '127.0.0.1:9', '--reach-timeout-ms', '100')  # nobody listens there
TOPIC = (*AT, '--topic', 't')
ENTITY = (*AT, '--entity-type', 'topics', '--entity-name', 't')
SERVER = ('topic', 'list', '--bootstrap-server')
INT32 = 'is not a whole number from {} to 2147483647'
NO_READER_PROPERTY = (' is none of parse.key=true|false, parse.headers=true|false, ignore.error=true|false, '
                      'key.separator=TEXT, headers.delimiter=TEXT, headers.separator=TEXT, headers.key.separator=TEXT, '
                      'null.marker=TEXT')
NO_DESERIALIZER = (" is none of Kafka's StringDeserializer, BytesDeserializer, ShortDeserializer, IntegerDeserializer, "
                   'LongDeserializer, FloatDeserializer, DoubleDeserializer, BooleanDeserializer; no other class can be '
                   'loaded')

# What CLI11 or a verb finds wrong: the exit code is 2, and a second line points at --help.
USAGE = (
    ((), 'odradek: a verb is missing: one of broker, dev, sim, topic, cluster, produce, consume, config, dump-log, completion'),
    (('brocker',), 'odradek: there is no verb "brocker": one of broker, dev, sim, topic, cluster, produce, consume, config, dump-log, '
                   'completion'),
    (('topic',), 'odradek topic: a verb is missing: one of create, alter, delete, list, describe'),
    (('topic', 'created'), 'odradek topic: there is no verb "created": one of create, alter, delete, list, describe'),
    (('sim',), 'odradek sim: a verb is missing: one of run, replay, explain, plan, diff, shrink, list, zoo'),
    (('broker', '--no-such-flag'), 'odradek broker: The following argument was not expected: --no-such-flag'),
    (('broker', 'stray'), 'odradek broker: The following argument was not expected: stray'),
    (('broker', '--log-level', 'loud'), 'odradek broker: --log-level: loud not in {debug,info,warning,error}'),
    (('broker', '--log-format', 'xml'), 'odradek broker: --log-format: xml not in {text,json}'),
    (('broker', '--config', '/no/such'), 'odradek broker: --config: File does not exist: /no/such'),
    (('broker', '--config', '/'), 'odradek broker: --config: File is actually a directory: /'),
    (('broker', '--listener', ''), 'odradek broker: --listener: is empty'),
    (('broker', '--data', ''), 'odradek broker: --data: is empty'),
    (('topic', 'create', '--topic', 't'), 'odradek topic create: --bootstrap-server is required'),
    (('topic', 'create', *AT), 'odradek topic create: --topic is required'),
    (('topic', 'create', *TOPIC, '--partitions', '0'),
     'odradek topic create: --partitions: "0" ' + INT32.format(1)),
    (('topic', 'create', *TOPIC, '--partitions', 'many'),
     'odradek topic create: --partitions: "many" ' + INT32.format(1)),
    (('topic', 'create', *TOPIC, '--partitions', '2.5'),
     'odradek topic create: --partitions: "2.5" ' + INT32.format(1)),
    (('topic', 'create', *TOPIC, '--partitions', '99999999999'),
     'odradek topic create: --partitions: "99999999999" ' + INT32.format(1)),
    (('topic', 'create', *TOPIC, '--replication-factor', '40000'),
     'odradek topic create: --replication-factor: "40000" is not a whole number from 1 to 32767'),
    (('topic', 'create', *TOPIC, '--config', 'x'),
     'odradek topic create: --config: NAME=VALUE expected, found "x"'),
    (('topic', 'create', *TOPIC, '--config', '=1'),
     'odradek topic create: --config: NAME=VALUE expected, found "=1"'),
    (('topic', 'alter', *TOPIC), 'odradek topic alter: --partitions is required'),
    ((*SERVER, ''), 'odradek topic list: --bootstrap-server: is empty'),
    ((*SERVER, 'localhost'), "odradek topic list: --bootstrap-server: invalid value 'localhost' for bootstrap.servers: "
                             'must be HOST:PORT'),
    ((*SERVER, 'localhost:70000'), "odradek topic list: --bootstrap-server: invalid value 'localhost:70000' for "
                                   'bootstrap.servers: must be HOST:PORT'),
    ((*SERVER, ':9092'), "odradek topic list: --bootstrap-server: invalid value ':9092' for bootstrap.servers: must be "
                         'HOST:PORT'),
    (('topic', 'list', *AT[:2], '--reach-timeout-ms', 'soon'),
     'odradek topic list: --reach-timeout-ms: "soon" is not a whole number from 1 on'),
    (('topic', 'list', *AT, '--command-property', 'x'),
     'odradek topic list: --command-property: NAME=VALUE expected, found "x"'),
    (('topic', 'list', *AT, '--command-property', 'x=1'),
     'odradek topic list: --command-property: unknown configuration x'),
    (('topic', 'list', *AT, '--command-property', 'request.timeout.ms=x'),
     "odradek topic list: --command-property: invalid value 'x' for request.timeout.ms: not an integer"),
    (('produce', *AT), 'odradek produce: --topic is required'),
    (('produce', *TOPIC, '--acks', '2'), 'odradek produce: --acks: 2 not in {all,-1,0,1}'),
    (('produce', *TOPIC, '--compression', 'rar'),
     'odradek produce: --compression: rar not in {none,gzip,snappy,lz4,zstd}'),
    (('produce', *TOPIC, '--header', 'x'), 'odradek produce: --header: NAME=VALUE expected, found "x"'),
    (('produce', *TOPIC, '--partition', '-1'), 'odradek produce: --partition: "-1" ' + INT32.format(0)),
    (('produce', *TOPIC, '--reader-property', 'parse.key=maybe'),
     'odradek produce: --reader-property: parse.key=maybe' + NO_READER_PROPERTY),
    (('produce', *TOPIC, '--reader-property', 'headers.delimiter='),
     'odradek produce: --reader-property: headers.delimiter=' + NO_READER_PROPERTY),
    (('produce', *TOPIC, '--reader-property', 'parse.header=true'),
     'odradek produce: --reader-property: parse.header=true' + NO_READER_PROPERTY),
    (('produce', *TOPIC, '--key-separator', ''), 'odradek produce: --key-separator: is empty'),
    (('produce', *TOPIC, '--parse-headers', '--property', 'headers.delimiter=,'),
     'odradek produce: headers.delimiter and headers.separator are both ","'),
    (('produce', *TOPIC, '--parse-headers', '--property', 'headers.separator=:'),
     'odradek produce: headers.separator and headers.key.separator are both ":"'),
    (('produce', *TOPIC, '--parse-headers', '--null-marker', ','),
     'odradek produce: headers.separator and null.marker are both ","'),
    (('produce', *TOPIC, '--parse-key', '--null-marker', '\t'),
     'odradek produce: key.separator and null.marker are both "\t"'),
    (('produce', *TOPIC, '--line-reader', 'com.example.Reader'),
     'odradek produce: --line-reader: "com.example.Reader" is none of Kafka\'s LineMessageReader; no other class can be '
     'loaded'),
    (('produce', *TOPIC, '--compression', ''),
     "odradek produce: invalid value '' for compression.type: must be one of none, gzip, snappy, lz4, zstd"),
    (('produce', *TOPIC, '--batch-size', '-1'),
     "odradek produce: invalid value '-1' for batch.size: must be between 0 and 2147483647"),
    (('produce', *TOPIC, '--max-memory-bytes', '10'), 'odradek produce: batch.size must not be above buffer.memory'),
    (('produce', *TOPIC, '--producer-property', 'enable.idempotence=true', '--acks', '1'),
     'odradek produce: enable.idempotence needs acks=all'),
    (('consume', *TOPIC, '--offset', 'first'),
     'odradek consume: --offset: "first" is none of earliest, latest and a number from 0'),
    (('consume', *TOPIC, '--offset', '7'), 'odradek consume: --offset: a number needs one --partition'),
    (('consume', *TOPIC, '--from-beginning', '--offset', '3', '--partition', '1'),
     'odradek consume: --from-beginning and --offset exclude each other'),
    (('consume', *TOPIC, '--max-messages', '0'),
     'odradek consume: --max-messages: "0" is not a whole number from 1 on'),
    (('consume', *TOPIC, '--timeout-ms', '-1'), 'odradek consume: --timeout-ms: "-1" is not a whole number from 0 on'),
    (('consume', *TOPIC, '--partition', 'x'), 'odradek consume: --partition: "x" ' + INT32.format(0)),
    (('consume', *AT), 'odradek consume: one of --topic and --include is required'),
    (('consume', *TOPIC, '--include', 't'), 'odradek consume: --topic and --include exclude each other'),
    (('consume', *AT, '--include', 't', '--partition', '0'), 'odradek consume: --partition needs --topic'),
    (('consume', *AT, '--include', 't', '--offset', '5'), 'odradek consume: --offset: a number needs one --partition'),
    (('consume', *AT, '--include', 't('),
     'odradek consume: --include: "t(" is no regular expression: missing ): t('),
    (('consume', *AT, '--include', '(?!t)x'),
     'odradek consume: --include: "(?!t)x" is no regular expression: invalid perl operator: (?!'),
    (('consume', *TOPIC, '--formatter', 'com.example.DefaultMessageFormatter'),
     'odradek consume: --formatter: "com.example.DefaultMessageFormatter" is none of Kafka\'s DefaultMessageFormatter, '
     'NoOpMessageFormatter; no other class can be loaded'),
    (('consume', *TOPIC, '--value-deserializer', 'ByteArrayDeserializer'),
     'odradek consume: --value-deserializer: "ByteArrayDeserializer"' + NO_DESERIALIZER),
    (('consume', *TOPIC, '--property', 'headers.deserializer=x.Y'),
     'odradek consume: --property: headers.deserializer: "x.Y"' + NO_DESERIALIZER),
    (('consume', *TOPIC, '--property', 'print.all=true'),
     'odradek consume: --property: print.all is none of print.timestamp, print.partition, print.offset, '
     'print.delivery, print.epoch, print.headers, print.key, print.value, key.separator, line.separator, '
     'headers.separator, null.literal, key.deserializer, value.deserializer, headers.deserializer'),
    (('consume', *TOPIC, '--isolation-level', 'x'),
     'odradek consume: --isolation-level: x not in {read_uncommitted,read_committed}'),
    (('consume', *TOPIC, '--group', 'g'),
     'odradek consume: --group: reading as a group is not available; partitions are read without'),
    (('consume', *TOPIC, '--formatter-property', 'print.key=1'),
     'odradek consume: --formatter-property: print.key=1: true or false expected'),
    (('config', 'describe', *AT), 'odradek config describe: --entity-type is required'),
    (('config', 'describe', *AT, '--entity-type', 'users'),
     'odradek config describe: --entity-type: users not in {topics,brokers}'),
    (('config', 'alter', *AT, '--entity-type', 'topics'),
     'odradek config alter: --entity-name is required (or --entity-default, for brokers)'),
    (('config', 'alter', *ENTITY), 'odradek config alter: one of --add-config and --delete-config is required'),
    (('config', 'alter', *ENTITY, '--add-config', 'a'),
     'odradek config alter: --add-config: NAME=VALUE expected, found "a"'),
    (('config', 'alter', *ENTITY, '--add-config', 'a=[1'),
     'odradek config alter: --add-config: a: the ] of "[1" is missing'),
    (('config', 'alter', *ENTITY, '--add-config', 'a=[1]b=2'),
     'odradek config alter: --add-config: a: a comma is missing before "b=2"'),
    (('config', 'alter', *ENTITY, '--add-config', 'a=1', '--delete-config', 'a'),
     'odradek config alter: a is changed twice'),
    # The name that was typed, not another of the same option.
    (('produce', *TOPIC, '--producer-property', 'linger.msx=1'),
     'odradek produce: --producer-property: unknown configuration linger.msx'),
    (('produce', *TOPIC, '--command-property', 'linger.msx=1'),
     'odradek produce: --command-property: unknown configuration linger.msx'),
    (('produce', *TOPIC, '--command-property', 'linger.ms=1', '--producer-property', 'linger.ms=x'),
     "odradek produce: --producer-property: invalid value 'x' for linger.ms: not an integer"),
    (('produce', *TOPIC, '--property', 'x'), 'odradek produce: --property: NAME=VALUE expected, found "x"'),
    (('produce', *TOPIC, '--producer.config', '/no/such'),
     'odradek produce: --producer.config: File does not exist: /no/such'),
    (('consume', *TOPIC, '--property', 'print.foo'),
     'odradek consume: --property: NAME=VALUE expected, found "print.foo"'),
    (('consume', *TOPIC, '--consumer-property', 'nope=1'),
     'odradek consume: --consumer-property: unknown configuration nope'),
    (('consume', *TOPIC, '--from-beginning', '--offset', 'latest'),
     'odradek consume: --from-beginning and --offset exclude each other'),
    (('consume', *TOPIC, '--offset', ''),
     'odradek consume: --offset: "" is none of earliest, latest and a number from 0'),
    (('consume', *TOPIC, '--from-beginning', '--consumer-property', 'auto.offset.reset=latest'),
     'odradek consume: --consumer-property: auto.offset.reset=latest and --from-beginning exclude each other'),
    (('dump-log',), 'odradek dump-log: --files is required'),
    (('dump-log', '--files', ''), 'odradek dump-log: --files: is empty'),
    (('dump-log', '--files', 'x', '--max-bytes', 'x'),
     'odradek dump-log: --max-bytes: "x" is not a whole number from 1 on'),
    (('dump-log', '--files', 'x', '--offsets-decoder'),
     'odradek dump-log: --offsets-decoder: this decoder is not available'),
    (('completion', 'fish'), 'odradek completion: shell: fish not in {bash,zsh}'),
    (('sim', 'run'), 'odradek sim run: scenarios is required'),
    (('sim', 'run', 'x', '--jobs', '0'), 'odradek sim run: --jobs: "0" ' + INT32.format(1)),
    (('sim', 'run', 'x', '--timeout', '0.5'), 'odradek sim run: --timeout: "0.5" ' + INT32.format(1)),
    (('sim', 'replay', 'x'), 'odradek sim replay: --seed is required'),
    # Not the largest of all seeds, which a conversion would make of both.
    (('sim', 'replay', 'x', '--seed', '-1'), 'odradek sim replay: --seed: "-1" is not a whole number from 0 on'),
    (('sim', 'replay', 'x', '--seed', '99999999999999999999'),
     'odradek sim replay: --seed: "99999999999999999999" is not a whole number from 0 on'),
    (('sim', 'replay', 'x', '--seed', '1', '--plan', '/no/such'),
     'odradek sim replay: --plan: File does not exist: /no/such'),
)

# Found by the verb itself, which says it in one line.
REFUSED = (
    (2, ('broker', '--override', 'num.partitions'),
     'odradek broker: --override num.partitions: expected KEY=VALUE'),
    (2, ('broker', '--override', '=1'), 'odradek broker: --override =1: expected KEY=VALUE'),
    (2, ('broker', '--override', 'nope=1'), "odradek broker: --override: unknown configuration 'nope'"),
    (2, ('broker', '--override', 'num.partitions=many'),
     "odradek broker: --override: Invalid value 'many' for configuration num.partitions: expected a whole number "
     'between 1 and 2147483647'),
    (2, ('broker', '--listener', 'here'),
     "odradek broker: --listener: Invalid value 'PLAINTEXT://here' for configuration listeners: expected "
     'NAME://host:port with a port up to 65535'),
    (2, ('broker', '--data', 'a,a'),
     "odradek broker: --data: Invalid value 'a,a' for configuration log.dirs: 'a' is listed twice"),
    (1, ('broker', '--data', '/proc/nope', '--listener', '127.0.0.1:1'),
     'odradek broker: data directory /proc/nope cannot be made: no such file or directory'),
    (2, ('broker', '--listener', '127.0.0.1:1', '--override', 'listeners=PLAINTEXT://127.0.0.1:2'),
     'odradek broker: --listener 127.0.0.1:1 contradicts listeners=PLAINTEXT://127.0.0.1:2 (--override)'),
    (2, ('broker', '--data', '/proc/a', '--override', 'log.dirs=/proc/b'),
     'odradek broker: --data /proc/a contradicts log.dirs=/proc/b (--override)'),
    (2, ('broker', '--data', '/proc/a', '--override', 'log.dir=/proc/b'),
     'odradek broker: --data /proc/a contradicts log.dir=/proc/b (--override)'),
    # The same twice is no contradiction.
    (1, ('broker', '--data', '/proc/nope', '--override', 'log.dirs=/proc/nope', '--listener', '127.0.0.1:1',
         '--override', 'listeners=PLAINTEXT://127.0.0.1:1'),
     'odradek broker: data directory /proc/nope cannot be made: no such file or directory'),
    (1, ('topic', 'list', *AT), 'odradek topic list: no broker at 127.0.0.1:9 within 100 ms: 127.0.0.1:9: connection '
                                'refused'),
    (1, ('dump-log', '--files', '/no/such.log'),
     'odradek dump-log: /no/such.log: cannot be opened: No such file or directory'),
    (1, ('dump-log', '--files', '/'), 'odradek dump-log: /: is a folder, not a file'),
    (2, ('sim', 'run', 'calm', '--seeds', '5..1'), 'odradek sim: --seeds 5..1: expected A..B with A <= B'),
    (2, ('sim', 'run', 'calm', '--seeds', 'x'), 'odradek sim: --seeds x: expected A..B with A <= B'),
    (2, ('sim', 'run', 'calm', '--twice-share', '3/2'), 'odradek sim: --twice-share 3/2: expected N/M'),
    (2, ('sim', 'replay', 'calm', '--seed', '1', '--kind', 'nothing'),
     'odradek sim: --kind nothing: there is no such kind'),
    (2, ('sim', 'replay', 'calm', '--seed', '1', '--until', 'soon'),
     'odradek sim: --until soon: expected 1500000, 20ms or 1.5s'),
    (2, ('sim', 'replay', 'calm', '--seed', '1', '--node', 'nobody'),
     'odradek sim: --node nobody: there is no such node: one of b1, p1, p2, c1, a1'),
    # More nanoseconds than fit.
    (2, ('sim', 'replay', 'calm', '--seed', '1', '--until', '99999999999s'),
     'odradek sim: --until 99999999999s: expected 1500000, 20ms or 1.5s'),
)

# Lines of a client's properties file: line, text.
CLIENT_PROPERTIES = (
    ('nope=1\n', '1: unknown configuration nope'),
    ('# a comment\nrequest.timeout.ms=\n', "2: invalid value '' for request.timeout.ms: not an integer"),
    ('\\u1=2\n', "1: bad \\u escape at key '\\u1': four hex digits are needed, and both halves of a pair"),
    ('=1\n', '1: a line without a key'),
)


class BadCommandLine(BinaryTest):
    def test_wrong_usage(self):
        for arguments, text in USAGE:
            with self.subTest(arguments=arguments):
                result = self.fails(2, *arguments)
                self.assertEqual(result.err, text + '\nRun with --help for more information.\n')

    def test_what_a_verb_refuses(self):
        for code, arguments, text in REFUSED:
            with self.subTest(arguments=arguments):
                self.assertEqual(self.fails(code, *arguments, cwd=self.folder).err, text + '\n')
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_client_properties(self):
        path = self.folder / 'client.properties'
        for content, text in CLIENT_PROPERTIES:
            with self.subTest(content=content):
                path.write_text(content)
                self.assertEqual(self.fails(2, 'topic', 'list', *AT, '--command-config', path).err,
                                 f'odradek topic list: {path}:{text}\nRun with --help for more information.\n')


if __name__ == '__main__':
    binary.main()
