"""What Kafka's console tools read from a line and make of a record: exact output, and exact errors. The tables hold what
Apache Kafka 4.3.1 does; tests/interop compares live."""
import struct
import subprocess
import time

import binary
from with_broker import WithBroker

HEADERS_AND_KEY = ('--parse-headers', '--parse-key')
NULL = ('--null-marker', 'NULL')
SEPARATORS = ('--reader-property', 'headers.delimiter=|', '--reader-property', 'headers.separator=;', '--reader-property',
              'headers.key.separator==', '--reader-property', 'key.separator=--')
IGNORE = ('--reader-property', 'ignore.error=true')

# Options, a line, and headers, key and value as they are shown.
LINES = (
    (HEADERS_AND_KEY, 'a:1,b:2\tk\tv', 'a:1,b:2 k v'),
    (HEADERS_AND_KEY, 'a:\tk\t', 'a: k '),
    (HEADERS_AND_KEY, 'a:1:2\tk\tv', 'a:1:2 k v'),
    (HEADERS_AND_KEY, 'a:1,\tk\tv', 'a:1 k v'),
    (HEADERS_AND_KEY, ',,\tk\tv', 'NO_HEADERS k v'),
    (('--parse-headers',), 'a:1\tno key\tv', 'a:1 null no key\tv'),
    (HEADERS_AND_KEY + NULL, 'NULL\tNULL\tNULL', 'NO_HEADERS null null'),
    (HEADERS_AND_KEY + NULL, 'a:NULL,b:x\tk\tv', 'a:null,b:x k v'),
    (HEADERS_AND_KEY + SEPARATORS, 'a=1;b=2|k--v', 'a:1,b:2 k v'),
    (HEADERS_AND_KEY + IGNORE, '\tk\tv', ':null k v'),
    (HEADERS_AND_KEY + IGNORE, 'a,b:1\tk\tv', 'a:null,b:1 k v'),
    (HEADERS_AND_KEY + IGNORE, 'a:1\tk', 'a:1 null k'),
    (HEADERS_AND_KEY + IGNORE, 'none of it', 'NO_HEADERS null none of it'),
    (('--parse-headers', '--header', 'always=1'), 'a:1\tv', 'always:1,a:1 null v'),
    (('--line-reader', 'org.apache.kafka.tools.LineMessageReader'), 'v', 'NO_HEADERS null v'),
)
# Options, a line, and why it is no record.
BAD_LINES = (
    (HEADERS_AND_KEY, 'nothing', 'no headers delimiter "\t"'),
    (HEADERS_AND_KEY, 'a:1\tk', 'no key separator "\t"'),
    (HEADERS_AND_KEY, 'a\tk\tv', 'no header key separator ":" in "a"'),
    (HEADERS_AND_KEY, '\tk\tv', 'no header key separator ":" in ""'),
    (HEADERS_AND_KEY, 'a:1,,b:2\tk\tv', 'no header key separator ":" in ""'),
    (HEADERS_AND_KEY + NULL + IGNORE, 'NULL:1\tk\tv', 'the null marker "NULL" as a header\'s key, which cannot be null'),
)

# A deserializer, the bytes of a value as hexadecimal digits, and its text.
FIELDS = (
    ('String', '6162', 'ab'), ('Bytes', '61005cff', 'a\\x00\\x5C\\xFF'),
    ('Short', 'ff61', '-159'), ('Integer', '00000009', '9'), ('Integer', '80000000', '-2147483648'),
    ('Long', 'fffffffffffffffe', '-2'), ('Boolean', '00', 'false'), ('Boolean', '01', 'true'),
    ('Double', '0000000000000000', '0.0'), ('Double', '8000000000000000', '-0.0'),
    ('Double', '3ff0000000000000', '1.0'), ('Double', '4059000000000000', '100.0'),
    ('Double', '3f50624dd2f1a9fc', '0.001'), ('Double', '3f1a36e2eb1c432d', '1.0E-4'),
    ('Double', '416312d000000000', '1.0E7'), ('Double', '416312cffff7ced9', '9999999.999'),
    ('Double', 'c1678c29dccccccd', '-1.23456789E7'), ('Double', '01a56e1fc2f8f359', '1.0E-300'),
    ('Double', '3fd5555555555555', '0.3333333333333333'), ('Double', '0000000000000001', '4.9E-324'),
    ('Double', '7ff0000000000000', 'Infinity'), ('Double', 'fff0000000000000', '-Infinity'),
    ('Double', '7ff8000000000000', 'NaN'), ('Float', '3eaaaaab', '0.33333334'), ('Float', '501502f9', '1.0E10'),
    ('Float', '3dcccccd', '0.1'), ('Float', '00000009', '1.3E-44'),
)
BAD_FIELDS = (
    ('Short', '61', '1 bytes, where ShortDeserializer needs 2'),
    ('Integer', '', '0 bytes, where IntegerDeserializer needs 4'),
    ('Long', '00000009', '4 bytes, where LongDeserializer needs 8'),
    ('Float', '0000000000000000', '8 bytes, where FloatDeserializer needs 4'),
    ('Double', '61', '1 bytes, where DoubleDeserializer needs 8'),
    ('Boolean', '02', 'a byte that is neither 0 nor 1, where BooleanDeserializer needs one of them'),
)


class Lines(WithBroker):
    def test_headers_keys_and_nulls_of_a_line(self):
        self.create('t')
        shown = []
        for options, line, expected in LINES:
            with self.subTest(options=options, line=line):
                self.produce('t', line + '\n', *options)
                shown.append(expected + '\n')
        out = self.consume('t', len(LINES), '--print-headers', '--print-key', '--key-separator', ' ')
        self.assertEqual(out, ''.join(shown))

    def test_a_line_that_is_no_record_is_named_and_ends_it(self):
        self.create('t')
        for options, line, why in BAD_LINES:
            with self.subTest(options=options, line=line):
                result = self.fails(1, 'produce', *self.at, '--topic', 't', *options,
                                    stdin=f'a:1\tk\tv\n{line}\na:1\tk\tv\n'.encode())
                self.assertEqual(result.err, f'odradek produce: line 2: {why}; nothing behind this line was sent\n'
                                 '1 acknowledged\n')

    def test_a_codec_option_without_a_value_is_gzip(self):
        self.create('t')
        self.produce('t', ''.join(f'a line of some length {i}\n' for i in range(1000)), '--compression-codec', '--sync',
                     '--metadata-expiry-ms', 1000)
        self.broker.stop()
        out = self.ok('dump-log', '--files', self.broker.data / 't-0' / '00000000000000000000.log').out
        self.assertEqual((out.count('compresscodec: gzip'), out.count('compresscodec: ')), (1000, 1000))


class Records(WithBroker):
    def produce_bytes(self, topic, digits):
        self.ok('produce', *self.at, '--topic', topic, stdin=bytes.fromhex(digits) + b'\n')

    def test_all_that_a_formatter_prints(self):
        self.create('t')
        self.produce('t', 'a:1,b:NULL\tk\tv\n', *HEADERS_AND_KEY, *NULL)
        shown = [f'--formatter-property=print.{what}=true'
                 for what in ('partition', 'offset', 'delivery', 'epoch', 'headers', 'key')]
        properties = [f'--formatter-property={name}' for name in ('key.separator=|', 'line.separator=;', 'null.literal=-',
                                                                   'headers.separator=+')]
        self.assertEqual(self.consume('t', 1, *shown, *properties),
                         'Partition:0|Offset:0|Delivery:NOT_PRESENT|Epoch:0|a:1+b:-|k|v;')
        self.assertEqual(self.consume('t', 1, '--formatter-property', 'print.value=false', '--print-key'), 'k\n')

    def test_deserializers_of_kafka(self):
        for name in sorted({name for name, _, _ in FIELDS}):
            self.create(name)
            values = [(digits, text) for of, digits, text in FIELDS if of == name]
            for digits, _ in values:
                self.produce_bytes(name, digits)
            expected = ''.join(text + '\n' for _, text in values)
            package = 'org.apache.kafka.common.serialization.'
            self.assertEqual(self.consume(name, len(values), '--value-deserializer', f'{name}Deserializer'), expected)
            self.assertEqual(self.consume(name, len(values), '--property',
                                          f'value.deserializer={package}{name}Deserializer'), expected)

    def test_deserializers_of_keys_and_headers(self):
        self.create('t')
        number = struct.pack('>i', 1234567).decode('latin1')
        self.ok('produce', *self.at, '--topic', 't', *HEADERS_AND_KEY,
                stdin=f'h:{number}\t{number}\t{number}\n'.encode('latin1'))
        # An option goes over a property.
        out = self.consume('t', 1, '--print-key', '--print-headers', '--key-deserializer', 'IntegerDeserializer',
                           '--property', 'key.deserializer=LongDeserializer', '--property',
                           'headers.deserializer=IntegerDeserializer', '--value-deserializer', 'BytesDeserializer')
        self.assertEqual(out, 'h:1234567\t1234567\t\\x00\\x12\\xD6\\x87\n')

    def test_a_record_that_is_not_what_it_should_be_ends_it_or_is_skipped(self):
        for i, (name, digits, why) in enumerate(BAD_FIELDS):
            with self.subTest(name=name):
                topic = f't{i}'
                self.create(topic)
                good = next(bytes.fromhex(digits) for of, digits, _ in FIELDS if of == name)
                good_text = next(text for of, _, text in FIELDS if of == name)
                self.ok('produce', *self.at, '--topic', topic,
                        stdin=b'\n'.join((good, bytes.fromhex(digits), good, b'')))
                read = ('consume', *self.at, '--topic', topic, '--from-beginning', '--max-messages', 3, '--timeout-ms',
                        20000, '--print-offset', '--value-deserializer', f'{name}Deserializer')
                wrong = f'odradek consume: {topic}-0 at offset 1: its value has {why}'
                result = self.fails(1, *read)
                self.assertEqual((result.out, result.err), (f'Offset:0\t{good_text}\n',
                                                            f'{wrong}\nProcessed a total of 2 messages\n'))
                result = self.ok(*read, '--skip-message-on-error')
                self.assertEqual(result.out, f'Offset:0\t{good_text}\nOffset:2\t{good_text}\n')
                self.assertEqual(result.err, f'{wrong} (skipped)\nProcessed a total of 3 messages\n')

    def test_formatters_of_kafka(self):
        self.create('t')
        self.produce('t', 'a\nb\n')
        for package in ('', 'kafka.tools.', 'org.apache.kafka.tools.consumer.'):
            self.assertEqual(self.consume('t', 2, '--formatter', f'{package}DefaultMessageFormatter'), 'a\nb\n')
        result = self.ok('consume', *self.at, '--topic', 't', '--from-beginning', '--max-messages', 2, '--formatter',
                         'org.apache.kafka.tools.consumer.NoOpMessageFormatter', '--enable-systest-events')
        self.assertEqual((result.out, result.err), ('shutdown_complete\n', 'Processed a total of 2 messages\n'))


class Topics(WithBroker):
    def test_a_pattern_reads_all_topics_that_it_matches_wholly(self):
        for topic in ('orders-1', 'orders-22', 'old-orders-3', 'orders', 'payments'):
            self.create(topic, '--partitions', 2)
            self.produce(topic, f'{topic}\n')
        for pattern, topics in (('orders-.*', ('orders-1', 'orders-22')), ('orders-\\d', ('orders-1',)),
                                ('orders|payments', ('orders', 'payments')),
                                ('[a-z]+', ('orders', 'payments')), ('(?i)ORDERS', ('orders',)), ('order', ())):
            with self.subTest(pattern=pattern):
                result = self.ok('consume', *self.at, '--include', pattern, '--from-beginning', '--timeout-ms', 1000)
                self.assertEqual(sorted(result.out.splitlines()), sorted(topics))
                missing = '' if topics else f'no topic matches {pattern} yet\n'
                self.assertEqual(result.err, f'{missing}Processed a total of {len(topics)} messages\n')

    def test_topics_and_partitions_that_come_later_are_read(self):
        reader = subprocess.Popen([binary.BINARY, 'consume', *self.at, '--include', 'later-.*', '--from-beginning',
                                   '--max-messages', '3', '--consumer-property', 'metadata.max.age.ms=100'],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(reader.kill)
        self.assertEqual(reader.stderr.readline(), b'no topic matches later-.* yet\n')
        self.create('later-1')
        self.produce('later-1', 'a\n')
        self.assertEqual(reader.stdout.readline(), b'a\n')
        self.ok('topic', 'alter', *self.at, '--topic', 'later-1', '--partitions', 2)
        self.produce('later-1', 'b\n', '--partition', 1)
        self.assertEqual(reader.stdout.readline(), b'b\n')
        self.create('later-2')
        self.produce('later-2', 'c\n')
        # Each once, although they were assigned many times meanwhile.
        out, err = reader.communicate(timeout=30)
        self.assertEqual((out, err), (b'c\n', b'Processed a total of 3 messages\n'))

    def test_a_broker_that_is_away_does_not_end_the_reading_of_a_pattern(self):
        self.create('t')
        reader = subprocess.Popen([binary.BINARY, 'consume', *self.at, '--include', 't', '--from-beginning',
                                   '--max-messages', '1', '--consumer-property', 'metadata.max.age.ms=100',
                                   '--reach-timeout-ms', '1000'], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(reader.kill)
        time.sleep(1)  # it reads, and looks for topics
        self.broker.sigkill()
        self.assertIn(b'(trying on)\n', reader.stderr.readline())
        self.broker.start()
        self.produce('t', 'a\n')
        out, err = reader.communicate(timeout=30)
        self.assertEqual(out, b'a\n')
        self.assertTrue(err.endswith(b'Processed a total of 1 messages\n'), err)


if __name__ == '__main__':
    binary.main()
