"""Bytes on the port that no client sends: each ends with an error code or a closed connection and a line in the log that
names it, and what was acknowledged before stays."""
import struct

import binary
import log_bytes
import wire
from with_broker import WithBroker

NONE, CORRUPT_MESSAGE, MESSAGE_TOO_LARGE, UNSUPPORTED_VERSION = 0, 2, 10, 35
UNSUPPORTED_COMPRESSION_TYPE, INVALID_RECORD = 76, 87
RECORDS = [(b'k', b'v'), (None, b'w')]


def patched(data, at, replacement):
    return data[:at] + replacement + data[at + len(replacement):]


def with_crc(batch):
    return patched(batch, 17, struct.pack('>I', log_bytes.crc32c(batch[21:])))


def number(value):
    return struct.pack('>i', value)


def request(key, version, body=b''):
    return wire.frame(wire.header(key, version) + body)


PRODUCE_HEAD = struct.pack('>hhi', -1, -1, 1000)
LENGTH, HEADER, BODY, UNSUPPORTED = ('bad frame length', 'malformed request header', 'malformed request',
                                     'unsupported request')
# Bytes that end the connection, and what the line in the log says.
CLOSED = (
    (number(-1), LENGTH, 'frame length -1 is not positive'),
    (number(0), LENGTH, 'frame length 0 is not positive'),
    (number(-2**31), LENGTH, 'frame length -2147483648 is not positive'),
    (number(200001), LENGTH, 'frame of 200001 bytes is larger than socket.request.max.bytes = 200000'),
    (number(2**31 - 1), LENGTH, 'frame of 2147483647 bytes is larger than socket.request.max.bytes = 200000'),
    (b'GET / HTTP/1.1\r\n\r\n', LENGTH,
     'frame of 1195725856 bytes is larger than socket.request.max.bytes = 200000'),
    (bytes.fromhex('16030100c8010000c40303') + bytes(20), LENGTH,
     'frame of 369295616 bytes is larger than socket.request.max.bytes = 200000'),
    (wire.frame(b'\0\3'), HEADER, 'request_api_version at byte 2: needs 2 bytes, 0 are left'),
    (wire.frame(b'\0\3\0\1'), HEADER, 'api key 3 version 1: correlation_id at byte 4: needs 4 bytes, 0 are left'),
    (wire.frame(b'\0\3\0\1\0\0\0\1'), HEADER,
     'api key 3 version 1: client_id at byte 8: needs 2 bytes, 0 are left'),
    (wire.frame(b'\0\3\0\1\0\0\0\1\0\5ab'), HEADER,
     'api key 3 version 1: client_id at byte 8: length 5, but 2 bytes are left'),
    (request(wire.FETCH, 99), HEADER, 'api key 1 version 99: tags at byte 14: bad or truncated unsigned varint'),
    (request(999, 0), UNSUPPORTED, 'api key 999 version 0 on listener PLAINTEXT'),
    (request(-1, 0), UNSUPPORTED, 'api key -1 version 0 on listener PLAINTEXT'),
    (request(7, 3), UNSUPPORTED, 'api key 7 version 3 on listener PLAINTEXT'),
    (request(wire.FETCH, -7), UNSUPPORTED, 'api key 1 version -7 on listener PLAINTEXT'),
    (request(wire.PRODUCE, 2), UNSUPPORTED, 'api key 0 version 2 on listener PLAINTEXT'),
    (request(wire.CREATE_TOPICS, 1), UNSUPPORTED, 'api key 19 version 1 on listener PLAINTEXT'),
    (request(wire.METADATA, 1), BODY, 'Metadata version 1: topics at byte 14: needs 4 bytes, 0 are left'),
    (request(wire.METADATA, 1, number(2**31 - 1)), BODY,
     'Metadata version 1: topics at byte 14: 2147483647 elements of at least 2 bytes, but 0 bytes are left'),
    (request(wire.METADATA, 1, number(-2)), BODY, 'Metadata version 1: topics at byte 14: negative length -2'),
    (request(wire.METADATA, 1, number(1) + b'\xff\xfe'), BODY,
     'Metadata version 1: topics[0].name at byte 18: negative length -2'),
    (request(wire.METADATA, 1, number(1) + b'\x7f\xff'), BODY,
     'Metadata version 1: topics[0].name at byte 18: length 32767, but 0 bytes are left'),
    (request(wire.METADATA, 9, b'\0\xff\xff\xff\xff\xff\xff'), BODY,
     'Metadata version 9: topics at byte 15: bad or truncated unsigned varint'),
    (request(wire.FETCH, 4, b'\0'), BODY, 'Fetch version 4: replica_id at byte 14: needs 4 bytes, 1 are left'),
    (request(wire.PRODUCE, 7, b'\xff\xff\0'), BODY, 'Produce version 7: acks at byte 16: needs 2 bytes, 1 are left'),
    (request(wire.PRODUCE, 7, PRODUCE_HEAD + number(2**30)), BODY,
     'Produce version 7: topic_data at byte 22: 1073741824 elements of at least 3 bytes, but 0 bytes are left'),
    (request(wire.PRODUCE, 7, PRODUCE_HEAD + number(-2**31)), BODY,
     'Produce version 7: topic_data at byte 22: negative length -2147483648'),
    (request(wire.DESCRIBE_CONFIGS, 1, number(2**31 - 1)), BODY,
     'DescribeConfigs version 1: resources at byte 14: 2147483647 elements of at least 4 bytes, but 0 bytes are left'),
)


class BadRequests(WithBroker):
    def setUp(self):
        binary.BinaryTest.setUp(self)
        self.broker = self.start(socket_request_max_bytes=200000)
        self.at = ('--bootstrap-server', self.broker.address)
        self.create('t')
        self.produce('t', 'one\ntwo\n')

    def tearDown(self):
        self.assertTrue(self.broker.is_running(), self.broker.log_tail())
        for end in (lambda: None, self.broker.sigkill):
            end()
            if not self.broker.is_running():
                self.broker.start()
            self.assertEqual(self.consume('t', 2), 'one\ntwo\n')
        self.assertEqual(self.broker.stop(), 0)

    def is_closed(self, data, says=()):
        """The broker ends the connection after the bytes and says why."""
        with wire.Connection(self.broker.port) as connection:
            connection.send(data)
            self.assertTrue(connection.is_closed_by_broker())
        log = self.broker.log_tail()
        for text in (says,) if isinstance(says, str) else says:
            self.assertIn(text, log)

    def test_every_line_in_the_log_says_what_and_where(self):
        for data, kind, why in CLOSED:
            with self.subTest(data=data[:30]):
                seen = len(self.broker.log_path.read_text())
                self.is_closed(data)
                line, = self.broker.log_path.read_text()[seen:].splitlines()
                self.assertIn(f' level=warning component=broker message="connection closed: {kind}" peer=127.0.0.1:',
                              line)
                self.assertTrue(line.endswith(f' why="{why}"'), line)

    def test_lengths_that_cannot_be_are_refused_before_anything_is_kept(self):
        for length in (-1, 200001, 2**31 - 1, -2**31):
            self.is_closed(struct.pack('>i', length), ('bad frame length', str(length)))
        self.is_closed(b'GET / HTTP/1.1\r\n\r\n', 'bad frame length')

    def test_a_frame_that_breaks_off_does_nothing(self):
        whole = request(wire.PRODUCE, 7, wire.produce_request('t', log_bytes.batch(0, RECORDS)))
        for size in (1, 3, 4, 7, 20, len(whole) - 1):
            with wire.Connection(self.broker.port) as connection:
                connection.send(whole[:size])
        self.assertEqual(self.ok('consume', *self.at, '--topic', 't', '--from-beginning', '--timeout-ms', 500).out,
                         'one\ntwo\n')

    def test_headers_and_bodies_that_end_early_name_field_and_byte(self):
        self.is_closed(wire.frame(b'\0\3'), ('malformed request header', 'at byte'))
        self.is_closed(wire.frame(b''), 'malformed request header')
        # Version 99 of Fetch has tagged fields in its header, which are not there.
        self.is_closed(request(wire.FETCH, 99), 'api key 1 version 99: tags at byte 14')
        self.is_closed(request(wire.METADATA, 1), ('Metadata version 1: topics', 'at byte'))
        self.is_closed(request(wire.PRODUCE, 7, b'\xff\xff\0'), 'Produce version 7: acks at byte')

    def test_unknown_apis_and_versions_are_named(self):
        for key, version in ((999, 0), (-1, 0), (wire.FETCH, -7), (wire.METADATA, -1), (7, 3)):
            self.is_closed(request(key, version), f'api key {key} version {version}')
        with wire.Connection(self.broker.port) as connection:
            answer = connection.call(wire.API_VERSIONS, 99, b'\0')
            self.assertEqual(answer.number('h'), UNSUPPORTED_VERSION)
            self.assertEqual(answer.array(lambda: tuple(answer.number('h') for _ in range(3))),
                             [(wire.API_VERSIONS, 0, 4)])

    def test_absurd_array_lengths_take_no_memory(self):
        def resident_kb():
            with open(f'/proc/{self.broker.process.pid}/status', encoding='ascii') as status:
                return int(next(line for line in status if line.startswith('VmHWM')).split()[1])
        before = resident_kb()
        for count in (2**31 - 1, 2**30, 100000000, -2, -2**31):
            number = struct.pack('>i', count)
            self.is_closed(request(wire.METADATA, 1, number), 'Metadata version 1: topics')
            self.is_closed(request(wire.PRODUCE, 7, struct.pack('>hhi', -1, -1, 1000) + number),
                           'Produce version 7: topic_data')
            self.is_closed(request(wire.DESCRIBE_CONFIGS, 1, number), 'DescribeConfigs version 1: resources')
        self.assertLess(resident_kb() - before, 20000)

    def test_damaged_batches_are_answered_and_not_kept(self):
        good = log_bytes.batch(0, RECORDS)
        magic = 16
        cases = {
            'wrong CRC': (patched(good, len(good) - 1, b'\xff'), CORRUPT_MESSAGE),
            'cut': (good[:-3], INVALID_RECORD),
            'length beyond the bytes': (patched(good, 8, struct.pack('>i', 10**6)), INVALID_RECORD),
            'negative length': (patched(good, 8, struct.pack('>i', -5)), CORRUPT_MESSAGE),
            'absurd record count': (with_crc(patched(good, 57, struct.pack('>i', 2**31 - 1))), INVALID_RECORD),
            'negative record count': (with_crc(patched(good, 57, struct.pack('>i', -1))), INVALID_RECORD),
            'unknown codec': (with_crc(patched(good, 21, struct.pack('>h', 7))), UNSUPPORTED_COMPRESSION_TYPE),
            'old magic': (patched(good, magic, b'\1'), INVALID_RECORD),
            'future magic': (patched(good, magic, b'\x09'), CORRUPT_MESSAGE),
            'no zstd in it': (with_crc(patched(good, 21, struct.pack('>h', 4))), None),
            'two batches': (good + good, INVALID_RECORD),
            'garbage': (b'\xff' * 100, None),
            'nothing': (b'', None),
            'null': (None, None),
        }
        with wire.Connection(self.broker.port) as connection:
            for name, (records, expected) in cases.items():
                error, offset = wire.produce(connection, 't', records)
                self.assertNotEqual(error, NONE, name)
                self.assertEqual(offset, -1, name)
                if expected is not None:
                    self.assertEqual(error, expected, name)
            # The same connection goes on.
            self.assertEqual(wire.produce(connection, 't', good), (NONE, 2))

    def test_a_connection_that_says_nothing_hinders_nobody(self):
        silent = [wire.Connection(self.broker.port) for _ in range(50)]
        for connection in silent[::2]:
            connection.send(b'\0\0')
        self.assertEqual(self.consume('t', 2), 'one\ntwo\n')
        for connection in silent:
            connection.socket.close()


if __name__ == '__main__':
    binary.main()
