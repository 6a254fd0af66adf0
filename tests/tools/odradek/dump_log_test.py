"""`odradek dump-log` over files made by hand, whole and damaged."""
import struct

import binary
import log_bytes
from binary import BinaryTest

LOG = '00000000000000000000.log'


class DumpLog(BinaryTest):
    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def two_batches(self):
        first = log_bytes.batch(0, [(b'k1', b'v1', [(b'h', b'x')]), (None, b'v2')], timestamp=1000)
        return first, log_bytes.batch(2, [(b'k3', None)], timestamp=2000, producer=(7, 1, 5))

    def test_batches_are_printed_as_kafka_prints_them(self):
        first, second = self.two_batches()
        path = self.write(LOG, first + second)
        lines = self.ok('dump-log', '--files', path).out.splitlines()
        self.assertEqual(lines[:2], [f'Dumping {path}', 'Log starting offset: 0'])
        self.assertEqual(
            lines[2], 'baseOffset: 0 lastOffset: 1 count: 2 baseSequence: -1 lastSequence: -1 producerId: -1 '
            'producerEpoch: -1 partitionLeaderEpoch: 0 isTransactional: false isControl: false deleteHorizonMs: '
            f'OptionalLong.empty position: 0 CreateTime: 1000 size: {len(first)} magic: 2 compresscodec: none crc: '
            f'{struct.unpack(">I", first[17:21])[0]} isvalid: true')
        self.assertIn('baseSequence: 5 lastSequence: 5 producerId: 7 producerEpoch: 1', lines[3])
        self.assertIn(f'position: {len(first)} ', lines[3])
        self.assertEqual(len(lines), 4)

    def test_records_are_printed_as_kafka_prints_them(self):
        path = self.write(LOG, b''.join(self.two_batches()))
        lines = self.ok('dump-log', '--print-data-log', '--files', path).out.splitlines()
        self.assertEqual([line for line in lines if line.startswith('|')], [
            '| offset: 0 CreateTime: 1000 keySize: 2 valueSize: 2 sequence: -1 headerKeys: [h] key: k1 payload: v1',
            '| offset: 1 CreateTime: 1000 keySize: -1 valueSize: 2 sequence: -1 headerKeys: [] payload: v2',
            '| offset: 2 CreateTime: 2000 keySize: 2 valueSize: -1 sequence: 5 headerKeys: [] key: k3',
        ])
        deep = self.ok('dump-log', '--deep-iteration', '--files', path).out.splitlines()
        self.assertIn('| offset: 0 CreateTime: 1000 keySize: 2 valueSize: 2 sequence: -1 headerKeys: [h]', deep)
        short = self.ok('dump-log', '--print-data-log', '--skip-record-metadata', '--files', path).out.splitlines()
        self.assertIn('| key: k1 payload: v1', short)

    def test_control_records_say_what_they_are(self):
        commit = log_bytes.control_batch(0, 1, struct.pack('>hi', 0, 9), producer=(7, 1, -1))
        leader = log_bytes.control_batch(1, 2, b'\0\0' + struct.pack('>i', 3) + b'\x01\x01\0')
        unknown = log_bytes.control_batch(2, 77, b'')
        path = self.write(LOG, commit + leader + unknown)
        out = self.ok('dump-log', '--print-data-log', '--files', path).out
        self.assertIn('headerKeys: [] endTxnMarker: COMMIT coordinatorEpoch: 9\n', out)
        self.assertIn(' LeaderChange: {"version":0,"leaderId":3,"voters":[],"grantingVoters":[]}\n', out)
        self.assertIn(' controlType: UNKNOWN(77)\n', out)

    def test_metadata_records_are_printed_by_name_and_field(self):
        content = log_bytes.batch(0, [(None, log_bytes.feature_level('metadata.version', 30))])
        log = self.write(LOG, content)
        snapshot = self.write('00000000000000000012-0000000003.checkpoint', content)
        bootstrap = self.write('bootstrap.checkpoint', content)
        out = self.ok('dump-log', '--cluster-metadata-decoder', '--files', f'{log},{snapshot},{bootstrap}').out
        json = '{"type":"FEATURE_LEVEL_RECORD","version":0,"data":{"name":"metadata.version","featureLevel":30}}'
        self.assertEqual(out.count(f' payload: {json}\n'), 3)
        self.assertIn('\nSnapshot end offset: 12, epoch: 3\n', out)
        self.assertIn('\nKRaft bootstrap snapshot\n', out)
        alien = self.write('00000000000000000005.log', log_bytes.batch(5, [(None, b'\x01\x63\x00')]))
        self.fails(1, 'dump-log', '--cluster-metadata-decoder', '--files', alien,
                   says=('record at offset 5', 'no metadata record: record_key at byte 3: 99 is unknown'))

    def test_max_bytes_ends_before_the_batch_that_does_not_fit(self):
        first, second = self.two_batches()
        path = self.write(LOG, first + second)
        for limit, count in ((len(first) - 1, 0), (len(first), 1), (len(first + second) - 1, 1),
                             (len(first + second), 2)):
            self.assertEqual(self.ok('dump-log', '--max-bytes', limit, '--files', path).out.count('baseOffset'), count)

    def test_damage_is_named_with_file_and_byte(self):
        first, second = self.two_batches()
        torn = self.write(LOG, first + second[:-1])
        result = self.fails(1, 'dump-log', '--files', torn, says=(str(torn), f'byte {len(first)}:', 'the file has'))
        self.assertIn(f'Found {len(second) - 1} invalid bytes at the end of {LOG}\n', result.out)
        wrong = bytearray(first + second)
        wrong[len(first) - 1] ^= 1
        flipped = self.write('00000000000000000001.log', bytes(wrong))
        result = self.fails(1, 'dump-log', '--files', flipped, says=(str(flipped), 'byte 0:', 'CRC'))
        self.assertIn('isvalid: false', result.out)
        self.assertIn('isvalid: true', result.out)
        zeros = self.write('00000000000000000002.log', first + bytes(100))
        self.fails(1, 'dump-log', '--files', zeros, says=f'byte {len(first) + 8}: batch length 0')
        old = self.write('00000000000000000003.log', bytes(8) + struct.pack('>iiB', 40, 0, 1) + bytes(40))
        self.fails(1, 'dump-log', '--files', old, says='message format v1 is not supported')

    def test_a_damaged_file_does_not_hide_the_next_one(self):
        good = self.write(LOG, self.two_batches()[0])
        result = self.fails(1, 'dump-log', '--files', f'{self.folder}/none.log,{good}',
                            says=f'{self.folder}/none.log')
        self.assertIn('baseOffset: 0', result.out)

    def test_indexes_are_printed_and_compared_with_the_log(self):
        first, second = self.two_batches()
        self.write(LOG, first + second)
        index = self.write('00000000000000000000.index', struct.pack('>ii', 2, len(first)) + bytes(64))
        times = self.write('00000000000000000000.timeindex', struct.pack('>qi', 2000, 2) + bytes(24))
        result = self.ok('dump-log', '--files', f'{index},{times}')
        self.assertIn(f'offset: 2 position: {len(first)}\n', result.out)
        self.assertIn('timestamp: 2000 offset: 2\n', result.out)
        self.assertEqual(result.out.count('offset:'), 2)
        silent = self.ok('dump-log', '--verify-index-only', '--files', f'{index},{times}')
        self.assertNotIn('offset:', silent.out)
        sane = self.ok('dump-log', '--index-sanity-check', '--files', f'{index},{times}')
        self.assertIn(f'{index} passed sanity check.\n', sane.out)

    def test_wrong_indexes_are_named_with_the_entry(self):
        first, second = self.two_batches()
        self.write(LOG, first + second)
        index = self.write('00000000000000000000.index', struct.pack('>iiii', 1, 0, 2, 3))
        self.fails(1, 'dump-log', '--files', index, says=(f'{index}: byte 8: offset 2', 'no batch at position 3'))
        index.write_bytes(struct.pack('>iiii', 2, len(first), 1, 0))
        self.fails(1, 'dump-log', '--files', index, says='byte 8: offset 1 does not rise')
        index.write_bytes(struct.pack('>ii', 1, 0) + b'abc')
        self.fails(1, 'dump-log', '--index-sanity-check', '--files', index, says='byte 8: 3 bytes behind')
        times = self.write('00000000000000000000.timeindex', struct.pack('>qi', 1999, 2))
        self.fails(1, 'dump-log', '--files', times, says='the largest timestamp 2000')
        alone = self.write('00000000000000000009.index', struct.pack('>ii', 0, 0))
        self.fails(1, 'dump-log', '--files', alone, says='00000000000000000009.log')

    def test_transaction_indexes_are_printed(self):
        entry = struct.pack('>hqqqq', 0, 7, 10, 20, 15)
        path = self.write('00000000000000000000.txnindex', entry)
        self.assertIn('version: 0 producerId: 7 firstOffset: 10 lastOffset: 20 lastStableOffset: 15\n',
                      self.ok('dump-log', '--files', path).out)
        path.write_bytes(entry + entry)
        self.fails(1, 'dump-log', '--files', path, says='byte 34: the last offset does not rise')

    def test_producer_snapshots_are_printed(self):
        content = log_bytes.producer_snapshot([(7, 1, 12, 40, 2, 1000, 3, -1), (8, 0, -1, -1, 0, 900, 4, 30)])
        path = self.write('00000000000000000050.snapshot', content)
        lines = self.ok('dump-log', '--files', path).out.splitlines()
        self.assertEqual(lines[1:], [
            'producerId: 7 producerEpoch: 1 coordinatorEpoch: 3 currentTxnFirstOffset: OptionalLong.empty '
            'lastTimestamp: 1000 firstSequence: 10 lastSequence: 12 lastOffset: 40 offsetDelta: 2 timestamp: 1000',
            'producerId: 8 producerEpoch: 0 coordinatorEpoch: 4 currentTxnFirstOffset: OptionalLong[30] '
            'lastTimestamp: 900',
        ])
        path.write_bytes(content[:-1])
        self.fails(1, 'dump-log', '--files', path, says=(str(path), 'byte 2: CRC'))

    def test_text_files_are_parsed(self):
        epochs = self.write('leader-epoch-checkpoint', '0\n2\n0 0\n3 17\n')
        marks = self.write('replication-offset-checkpoint', '0\n1\norders 4 99\n')
        identity = self.write('partition.metadata', 'version: 0\ntopic_id: cx42tVlrT8GBX4bpWo6c5A\n')
        out = self.ok('dump-log', '--files', f'{epochs},{marks},{identity}').out
        self.assertIn('leaderEpoch: 3 startOffset: 17\n', out)
        self.assertIn('topic: orders partition: 4 offset: 99\n', out)
        self.assertIn('topicId: cx42tVlrT8GBX4bpWo6c5A\n', out)
        marks.write_text('0\n1\norders four 99\n')
        self.fails(1, 'dump-log', '--files', marks, says=(f'{marks}:3', 'orders four 99'))

    def test_files_that_it_cannot_print_are_errors(self):
        other = self.write('notes.txt', 'x')
        self.fails(1, 'dump-log', '--files', other, says=(str(other), 'none of the files that this command knows'))
        self.fails(1, 'dump-log', '--files', self.folder, says=(str(self.folder), 'is a folder'))
        self.fails(2, 'dump-log', '--files', other, '--offsets-decoder',
                   says=('--offsets-decoder', 'not available'))
        self.fails(2, 'dump-log', says='--files')


if __name__ == '__main__':
    binary.main()
