"""Several log directories under one node (JBOD): partitions are spread, a failed directory takes only its own offline."""
import shutil

import binary
import log_bytes
import wire
from with_broker import WithBroker

NONE, KAFKA_STORAGE_ERROR = 0, 56
BATCH = log_bytes.batch(0, [(None, b'x')])


class LogDirs(WithBroker):
    def setUp(self):
        binary.BinaryTest.setUp(self)
        self.dirs = [self.folder / name for name in ('a', 'b', 'c')]
        self.broker = self.start(log_dirs=','.join(map(str, self.dirs)))
        self.at = ('--bootstrap-server', self.broker.address)

    def described(self):
        return wire.log_dirs(self.broker.port)

    def partitions_of(self, directory):
        return sorted(int(path.name[2:]) for path in directory.glob('t-*'))

    def fill(self, partitions):
        self.create('t', '--partitions', partitions)
        for partition in range(partitions):
            self.produce('t', f'record {partition}\n', '--partition', partition)

    def read(self, partition):
        return self.ok('consume', *self.at, '--topic', 't', '--partition', partition, '--offset', 'earliest',
                       '--max-messages', 1, '--timeout-ms', 20000).out

    def test_partitions_are_spread_and_stay_where_they_are(self):
        self.fill(6)
        places = {directory: self.partitions_of(directory) for directory in self.dirs}
        self.assertEqual([len(some) for some in places.values()], [2, 2, 2])
        described = self.described()
        self.assertEqual({path: (NONE, {('t', p) for p in some}) for path, some in
                          ((str(directory), places[directory]) for directory in self.dirs)}, described)
        ids = {(directory / 'meta.properties').read_text().split('directory.id=')[1].split()[0]
               for directory in self.dirs}
        self.assertEqual(len(ids), 3)
        for end in (self.broker.stop, self.broker.sigkill):
            end()
            self.broker.start()
            self.assertEqual(self.described(), described)
            for partition in range(6):
                self.assertEqual(self.read(partition), f'record {partition}\n')

    def test_a_failed_directory_takes_only_its_partitions_offline(self):
        self.fill(6)
        self.broker.stop()
        failed, aside = self.dirs[1], self.folder / 'aside'
        lost = self.partitions_of(failed)
        failed.rename(aside)
        failed.write_text('no directory')
        self.broker.start()
        self.assertIn(f'directory={failed}', self.broker.log_tail())
        described = self.described()
        self.assertEqual(described[str(failed)], (KAFKA_STORAGE_ERROR, set()))
        for partition in set(range(6)) - set(lost):
            self.assertEqual(self.read(partition), f'record {partition}\n')
        with wire.Connection(self.broker.port) as connection:
            for partition in lost:
                error, _ = wire.produce(connection, 't', BATCH, partition=partition)
                self.assertEqual(error, KAFKA_STORAGE_ERROR)
        result = self.fails(1, 'consume', *self.at, '--topic', 't', '--from-beginning', '--timeout-ms', 2000)
        names = ', '.join(f't-{partition}' for partition in lost)
        self.assertEqual(result.err, f'odradek consume: {names}: LEADER_NOT_AVAILABLE (trying on)\n'
                         f'odradek consume: no record for 2000 ms, and {names} cannot be read: LEADER_NOT_AVAILABLE\n'
                         f'Processed a total of {6 - len(lost)} messages\n')
        # What is made meanwhile goes to the others, and is not taken for older when the directory is back.
        self.create('new', '--partitions', 4)
        self.produce('new', 'during\n', '--partition', 3)
        self.broker.stop()
        failed.unlink()
        aside.rename(failed)
        self.broker.start()
        for partition in range(6):
            self.assertEqual(self.read(partition), f'record {partition}\n')
        self.assertEqual(self.ok('consume', *self.at, '--topic', 'new', '--partition', 3, '--offset', 'earliest',
                                 '--max-messages', 1).out, 'during\n')

    def test_a_directory_that_left_the_configuration_is_not_replaced_by_empty_logs(self):
        self.fill(3)
        self.broker.stop()
        kept = ','.join(map(str, self.dirs[:2]))
        everything = self.broker.settings
        self.broker.settings = [f'log.dirs={kept}']
        self.broker.start()
        lost, = self.partitions_of(self.dirs[2])
        with wire.Connection(self.broker.port) as connection:
            self.assertEqual(wire.produce(connection, 't', BATCH, partition=lost)[0], KAFKA_STORAGE_ERROR)
        self.broker.stop()
        self.broker.settings = everything
        self.broker.start()
        self.assertEqual(self.read(lost), f'record {lost}\n')

    def test_the_metadata_log_may_have_a_directory_of_its_own(self):
        meta = self.folder / 'meta'
        self.broker.stop()
        shutil.rmtree(self.dirs[0])
        self.broker.settings = [f'log.dirs={self.dirs[0]}', f'metadata.log.dir={meta}']
        self.broker.start()
        self.create('t')
        self.assertTrue((meta / '__cluster_metadata-0').is_dir())
        self.assertFalse((self.dirs[0] / '__cluster_metadata-0').exists())
        self.assertEqual(self.described(), {str(self.dirs[0]): (NONE, {('t', 0)})})

    def test_without_its_metadata_directory_a_node_does_not_start(self):
        self.broker.stop()
        shutil.rmtree(self.dirs[0])
        self.dirs[0].write_text('no directory')
        self.fails(1, 'broker', '--override', self.broker.settings[0], timeout=30, says=str(self.dirs[0]))

    def test_one_partition_in_two_directories_is_refused(self):
        self.fill(1)
        self.broker.stop()
        holder = next(directory for directory in self.dirs if self.partitions_of(directory))
        other = next(directory for directory in self.dirs if directory != holder)
        shutil.copytree(holder / 't-0', other / 't-0')
        self.fails(1, 'broker', '--override', self.broker.settings[0], timeout=30,
                   says=(str(holder), str(other), 't-0'))

    def test_a_directory_of_another_cluster_is_refused(self):
        self.broker.stop()
        shutil.rmtree(self.dirs[2])
        self.dirs[2].mkdir()
        (self.dirs[2] / 'meta.properties').write_text(
            'version=1\ncluster.id=another\nnode.id=1\ndirectory.id=AAAAAAAAAAAAAAAAAAAAZQ\n')
        self.fails(1, 'broker', '--override', self.broker.settings[0], timeout=30,
                   says=(str(self.dirs[2] / 'meta.properties'), 'another'))

    def test_a_directory_named_twice_is_refused(self):
        self.fails(2, 'broker', '--override', f'log.dirs={self.folder}/x,{self.folder}/y/../x', timeout=30,
                   says=('log.dirs', f'{self.folder}/x is there twice'))


if __name__ == '__main__':
    binary.main()
