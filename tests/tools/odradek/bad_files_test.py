"""Damaged and foreign files in the data directory: each is named; the node goes on without it or refuses to start; and
once the file is back, everything that was acknowledged is there."""
import shutil
import time

import binary
import log_bytes
import wire
from with_broker import WithBroker

KAFKA_STORAGE_ERROR = 56
GARBAGE = b'\xff garbage \0' * 20
LINES = [f'{i:05d}' + 'x' * 95 for i in range(25000)]
TEXT = '\n'.join(LINES) + '\n'


class Template:
    """A data directory with a topic of three segments and one of a single record; made once."""
    folders = {}

    @classmethod
    def of(cls, test, end):
        if end not in cls.folders:
            node = test.start(log_segment_bytes=1048576)
            at = ('--bootstrap-server', node.address)
            test.ok('topic', 'create', *at, '--topic', 't')
            test.ok('topic', 'create', *at, '--topic', 'u')
            test.ok('produce', *at, '--topic', 't', stdin=TEXT.encode())
            test.ok('produce', *at, '--topic', 'u', stdin=b'hello\n')
            getattr(node, end)()
            cls.folders[end] = binary.scratch()
            shutil.copytree(node.data, cls.folders[end] / 'data')
        return cls.folders[end] / 'data'


class BadFiles(WithBroker):
    def setUp(self):
        binary.BinaryTest.setUp(self)
        self.broker = None

    def use(self, end='stop'):
        """A node on a copy of the template, not running."""
        self.template = Template.of(self, end)
        self.broker = self.start(log_segment_bytes=1048576)
        self.broker.stop()
        self.at = ('--bootstrap-server', self.broker.address)
        self.restore()

    def restore(self):
        if self.broker.is_running():
            self.broker.sigkill()
        shutil.rmtree(self.broker.data)
        shutil.copytree(self.template, self.broker.data)
        self.broker.log_path.write_text('')

    def path(self, name):
        found, = self.broker.data.glob(name)
        return found

    def damages(self, name):
        """The file in several bad states, one after the other, on fresh copies of the directory."""
        for how in ('garbage', 'empty', 'flipped', 'a folder'):
            self.restore()
            path = self.path(name)
            content = path.read_bytes()
            if how == 'garbage':
                path.write_bytes(GARBAGE)
            elif how == 'empty':
                path.write_bytes(b'')
            elif how == 'flipped':
                # Of a segment a byte of a value: what Kafka's CRC does not cover (offsets) is another matter.
                middle = max(content.find(b'x' * 50, len(content) // 2) + 10, len(content) // 2)
                path.write_bytes(content[:middle] + bytes(byte ^ 0x55 for byte in content[middle:middle + 1]) +
                                 content[middle + 1:])
            else:
                path.unlink()
                path.mkdir()
            yield how, path

    def refuses(self, *says):
        result = self.fails(1, 'broker', '--listener', self.broker.address, '--data', self.broker.data, '--override',
                            'log.segment.bytes=1048576', timeout=30, says=says)
        return result.err

    def read(self, topic='t', count=len(LINES)):
        return self.ok('consume', *self.at, '--topic', topic, '--from-beginning', '--max-messages', count,
                       '--timeout-ms', 2000).out

    def serves_everything(self):
        self.assertEqual(self.read('u', 1), 'hello\n')
        self.assertEqual(self.read(), TEXT)
        self.ok('produce', *self.at, '--topic', 't', stdin=b'more\n')

    def log(self):
        return self.broker.log_path.read_text(errors='replace')

    def test_indexes_and_snapshots_are_made_again(self):
        self.use()
        for name in ('t-0/00000000000000000000.index', 't-0/00000000000000000000.timeindex',
                     't-0/0000000000000002[45]*.snapshot', '__cluster_metadata-0/*.index',
                     '__cluster_metadata-0/*.snapshot'):
            for how, path in self.damages(name):
                if how == 'a folder' and 'index' in name:
                    continue
                self.broker.start()
                self.serves_everything()
                if path.suffix == '.snapshot':
                    self.assertIn(str(path), self.log())

    def test_checkpoints_are_made_again(self):
        self.use()
        for name in ('recovery-point-offset-checkpoint', 'replication-offset-checkpoint', 'log-start-offset-checkpoint',
                     't-0/leader-epoch-checkpoint', '.kafka_cleanshutdown'):
            for how, path in self.damages(name):
                if how == 'a folder':
                    continue
                self.broker.start()
                self.serves_everything()
                if how == 'garbage' and name[0] != '.':
                    self.assertIn(str(path), self.log())

    def test_a_folder_in_the_place_of_a_file_is_named(self):
        self.use()
        for name in ('recovery-point-offset-checkpoint', '.kafka_cleanshutdown', '.lock', 'meta.properties',
                     '__cluster_metadata-0/quorum-state', '__cluster_metadata-0/partition.metadata'):
            self.restore()
            path = self.path(name)
            path.unlink()
            path.mkdir()
            self.refuses(str(path), 'is a directory')

    def test_a_log_that_cannot_be_loaded_is_offline_and_no_other(self):
        self.use()
        for how, path in self.damages('t-0/partition.metadata'):
            if how == 'flipped':
                continue
            self.broker.start()
            self.assertEqual(self.read('u', 1), 'hello\n')
            with wire.Connection(self.broker.port) as connection:
                batch = log_bytes.batch(0, [(None, b'x')])
                self.assertEqual(wire.produce(connection, 't', batch)[0], KAFKA_STORAGE_ERROR)
            self.assertIn(str(path), self.log())
            # The shutdown says that it was not clean; the file comes back and with it the records.
            self.assertEqual(self.broker.stop(), 1)
            if path.is_dir():
                path.rmdir()
            shutil.copy(self.template / 't-0/partition.metadata', path)
            self.broker.start()
            self.serves_everything()

    def test_a_log_of_another_topic_id_is_set_aside_and_not_deleted(self):
        self.use()
        path = self.path('t-0/partition.metadata')
        path.write_text('version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAZQ')
        self.broker.start()
        stray, = self.broker.data.glob('t-0.*-stray')
        self.assertIn(f'folder={stray}', self.log())
        self.assertEqual(sum(part.stat().st_size for part in stray.glob('*.log')),
                         sum(part.stat().st_size for part in (self.template / 't-0').glob('*.log')))

    def test_a_damaged_segment_is_never_served_as_if_it_were_whole(self):
        for end in ('stop', 'sigkill'):
            self.use(end)
            first = 't-0/00000000000000000000.log'
            for how, path in self.damages(first):
                self.broker.start()
                self.assertEqual(self.read('u', 1), 'hello\n')
                result = binary.run('consume', *self.at, '--topic', 't', '--from-beginning', '--max-messages',
                                    len(LINES), '--timeout-ms', 1000)
                got = result.out.splitlines()
                self.assertTrue(set(got) <= set(LINES))
                self.assertEqual(got, sorted(got))
                self.assertIn(path.name if how != 'flipped' else 't-0', self.log() + result.err, how)
                self.assertNotEqual(self.log() + result.err, '')

    def test_identity_files_end_the_start_and_are_named(self):
        self.use()
        for name in ('meta.properties', '__cluster_metadata-0/partition.metadata'):
            for _, path in self.damages(name):
                self.refuses(str(path))
        for how, path in self.damages('__cluster_metadata-0/quorum-state'):
            if how != 'flipped':
                self.refuses(str(path))

    def test_a_missing_meta_properties_is_not_invented_anew(self):
        self.use()
        self.path('meta.properties').unlink()
        self.refuses(str(self.broker.data / 'meta.properties'), 'is missing', 'cluster.id=')

    def test_a_damaged_metadata_log_ends_the_start(self):
        for end in ('stop', 'sigkill'):
            self.use(end)
            for how, path in self.damages('__cluster_metadata-0/00000000000000000000.log'):
                if how == 'flipped' and end == 'sigkill':
                    continue
                self.refuses(str(path.parent))
            self.restore()
            self.path('__cluster_metadata-0/00000000000000000000.log').unlink()
            self.refuses(str(self.broker.data / '__cluster_metadata-0'))
            self.restore()
            shutil.rmtree(self.broker.data / '__cluster_metadata-0')
            self.refuses(str(self.broker.data / '__cluster_metadata-0'))
            # Nothing was renamed or deleted meanwhile: with the log back, everything is there.
            shutil.copytree(self.template / '__cluster_metadata-0', self.broker.data / '__cluster_metadata-0',
                            dirs_exist_ok=True)
            self.broker.start()
            self.serves_everything()

    def test_a_damaged_metadata_snapshot_ends_the_start(self):
        self.use()
        self.broker.settings += ['metadata.log.max.record.bytes.between.snapshots=1',
                                 'metadata.max.idle.interval.ms=100']
        self.broker.start()
        for _ in range(200):
            if list(self.broker.data.glob('__cluster_metadata-0/*.checkpoint')):
                break
            time.sleep(0.05)
        self.broker.stop()
        newest = sorted(self.broker.data.glob('__cluster_metadata-0/*.checkpoint'))[-1]
        content = newest.read_bytes()
        for damaged in (GARBAGE, b'', content[:-1], content[:100] + b'\x55' + content[101:]):
            newest.write_bytes(damaged)
            self.refuses(str(newest))
        newest.write_bytes(content)
        self.broker.start()
        self.serves_everything()

    def test_what_does_not_belong_here_is_left_alone(self):
        self.use()
        foreign = {'notes.txt': b'mine', 'lost+found/x': b'1', 'no-partition/y': b'2', 't-0/notes.txt': b'3',
                   't-00/z': b'4', 't-0/sub/folder': b'5', 'deep/er/file': b'6'}
        for name, content in foreign.items():
            (self.broker.data / name).parent.mkdir(parents=True, exist_ok=True)
            (self.broker.data / name).write_bytes(content)
        self.broker.start()
        self.serves_everything()
        self.assertEqual(self.broker.stop(), 0)
        for name, content in foreign.items():
            self.assertEqual((self.broker.data / name).read_bytes(), content)


if __name__ == '__main__':
    binary.main()
