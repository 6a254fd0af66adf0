"""Damaged files of a data directory under `odradek dump-log`: a table of contents and the exact text that names the
file, the byte or line, and what is wrong there."""
import struct

import binary
import log_bytes
from binary import BinaryTest

LOG = '00000000000000000000.log'
INDEX = '00000000000000000000.index'
TIMES = '00000000000000000000.timeindex'
TXNS = '00000000000000000000.txnindex'
SNAPSHOT = '00000000000000000050.snapshot'
EPOCHS = 'leader-epoch-checkpoint'
MARKS = 'replication-offset-checkpoint'
IDENTITY = 'partition.metadata'
GOOD = log_bytes.batch(0, [(b'k', b'v'), (None, b'w')])
SIZE = len(GOOD)
TXN = struct.pack('>hqqqq', 0, 7, 10, 20, 15)
PRODUCERS = log_bytes.producer_snapshot([(7, 1, 12, 40, 2, 1000, 3, -1)])


def patched(data, at, code, value):
    replacement = struct.pack('>' + code, value)
    return data[:at] + replacement + data[at + len(replacement):]


def batch(at, code, value):
    """The good batch with another field, and its CRC right."""
    changed = patched(GOOD, at, code, value)
    return patched(changed, 17, 'I', log_bytes.crc32c(changed[21:]))


def snapshot(at, code, value):
    changed = patched(PRODUCERS, at, code, value)
    return patched(changed, 2, 'I', log_bytes.crc32c(changed[6:]))


# Name, content, what stands behind the path.
FILES = (
    (LOG, GOOD + GOOD[:20], f': byte {SIZE + 20}: 20 bytes, a batch header has 61'),
    (LOG, GOOD[:-1], f': byte 0: the file has {SIZE - 1} of {SIZE} bytes of the batch'),
    (LOG, GOOD + bytes(70), f': byte {SIZE + 8}: batch length 0'),
    (LOG, patched(GOOD, 8, 'i', -5), ': byte 8: batch length -5'),
    (LOG, patched(GOOD, 8, 'i', 2**31 - 1), f': byte 0: the file has {SIZE} of 2147483659 bytes of the batch'),
    (LOG, patched(GOOD, 16, 'b', 1), ': byte 16: message format v1 is not supported'),
    (LOG, patched(GOOD, 16, 'b', 9), ': byte 16: unknown magic 9'),
    (LOG, b'GET / HTTP/1.1\r\n\r\n', ': byte 16: unknown magic 13'),
    (LOG, batch(57, 'i', 2**31 - 1),
     ': byte 0: the batch at offset 0, its byte 17: 2 records, the batch claims 2147483647'),
    (LOG, batch(57, 'i', -1), ': byte 57: record count -1'),
    (LOG, batch(21, 'h', 7), ': byte 0: the batch at offset 0, its byte 21: unsupported codec 7'),
    (LOG, batch(21, 'h', 4),
     ': byte 0: the batch at offset 0, its byte 61: zstd: Unknown frame descriptor'),
    (INDEX, struct.pack('>iiii', 1, 0, 2, 3), ': byte 8: offset 2: the log has no batch at position 3'),
    (INDEX, struct.pack('>iiii', 1, 0, 1, 0), ': byte 8: offset 1 does not rise'),
    (INDEX, struct.pack('>ii', 1, 0) + b'abc', ': byte 8: 3 bytes behind the last entry of 8 bytes'),
    (INDEX, struct.pack('>ii', 1, -4), ': byte 0: offset 1: position -4'),
    (TIMES, struct.pack('>qi', 1999, 2), ': byte 0: timestamp 1999 offset 2: the log has no batch with this offset'),
    (TIMES, struct.pack('>qi', -5, 0),
     ': byte 0: timestamp -5 offset 0: the batch with this offset has the largest timestamp 1000'),
    (TIMES, b'abc', ': byte 0: 3 bytes behind the last entry of 12 bytes'),
    (TXNS, TXN + TXN, ': byte 34: the last offset does not rise'),
    (TXNS, TXN[:-1], ': byte 0: 33 bytes behind the last entry of 34 bytes'),
    (TXNS, patched(TXN, 0, 'h', 3), ': byte 0: version 3, 0 expected'),
    (SNAPSHOT, b'', ': producer snapshot: byte 0: 0 bytes, at least 10 are needed'),
    (SNAPSHOT, patched(PRODUCERS, 0, 'h', 7), ': producer snapshot: byte 0: version 7, 1 expected'),
    (SNAPSHOT, patched(PRODUCERS, 2, 'I', 0xabc),
     f': producer snapshot: byte 2: CRC 00000abc, the bytes have {log_bytes.crc32c(PRODUCERS[6:]):08x}'),
    (SNAPSHOT, snapshot(6, 'i', 5), ': producer snapshot: byte 6: 5 entries in 46 bytes'),
    (SNAPSHOT, snapshot(10, 'q', -1), ': producer snapshot: byte 10: producer id -1'),
    (EPOCHS, b'', ':1: the file is empty'),
    (EPOCHS, b'1\n', ':1: version 0 expected, found "1"'),
    (EPOCHS, b'0\n', ':1: the line with the number of entries is missing'),
    (EPOCHS, b'0\nx\n', ':2: number of entries expected, found "x"'),
    (EPOCHS, b'0\n-1\n', ':2: number of entries expected, found "-1"'),
    (EPOCHS, b'0\n1\n', ':2: 1 entries announced, 0 found'),
    (EPOCHS, b'0\n1\n\xff\0\n', ':3: "epoch start_offset" expected, found "??"'),
    (EPOCHS, b'0\n1\n0 -1\n', ':3: "epoch start_offset" expected, found "0 -1"'),
    (EPOCHS, b'0\n2\n3 17\n2 18\n', ':4: epoch 2 from offset 18 does not follow epoch 3 from offset 17'),
    (EPOCHS, b'0\n2\n1 17\n2 16\n', ':4: epoch 2 from offset 16 does not follow epoch 1 from offset 17'),
    (EPOCHS, b'0\n1\n0 0\n1 1\n', ':4: more lines than the 1 announced'),
    (MARKS, b'1\n', ':1: version 0 expected, found "1"'),
    (MARKS, b'0\n1\norders four 99\n', ':3: "topic partition offset" expected, found "orders four 99"'),
    (MARKS, b'0\n1\na -1 2\n', ':3: "topic partition offset" expected, found "a -1 2"'),
    (MARKS, b'0\n2\na 0 1\na 0 2\n', ':4: a-0 is listed twice'),
    (IDENTITY, b'', ':1: the file is empty'),
    (IDENTITY, b'version: x\n', ':1: "version: 0" expected, found "version: x"'),
    (IDENTITY, b'version: 0\n', ':1: "topic_id: \u2026" expected'),
    (IDENTITY, b'version: 0\ntopic_id: x\n', ':2: "topic_id: x" is not a topic id'),
    ('00000000000000000012-0000000003.checkpoint', b'abc', ': byte 3: 3 bytes, a batch header has 61'),
    ('notes.txt', b'x', ': is none of the files that this command knows (see odradek dump-log --help)'),
)


class BadDumps(BinaryTest):
    def test_every_damage_is_named(self):
        for name, content, text in FILES:
            with self.subTest(name=name, content=content[:40]):
                (self.folder / LOG).write_bytes(GOOD)
                path = self.folder / name
                path.write_bytes(content)
                result = self.fails(1, 'dump-log', '--print-data-log', '--files', path)
                self.assertEqual(result.err, f'odradek dump-log: {path}{text}\n')


if __name__ == '__main__':
    binary.main()
