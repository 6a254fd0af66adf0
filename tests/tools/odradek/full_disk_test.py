"""A disk that is full, as an operator meets it: a file system of a few hundred KiB in memory. Needs the right to mount
one; without it the test says so and is skipped."""
import subprocess
import unittest

import binary
from with_broker import WithBroker, interop_broker

DISK_KIB = 400
LINE = 'x' * 999


class FullDisk(WithBroker):
    def setUp(self):
        binary.BinaryTest.setUp(self)
        self.disk = self.folder / 'disk'
        self.disk.mkdir()
        mounted = subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={DISK_KIB}k', 'tmpfs', str(self.disk)],
                                 capture_output=True, check=False)
        if mounted.returncode != 0:
            self.skipTest(f'no small file system can be mounted here: {mounted.stderr.decode().strip()}')
        self.addCleanup(subprocess.run, ['umount', '-l', str(self.disk)], check=False)
        self.data = self.disk / 'data'
        self.ballast = self.disk / 'ballast'

    def fill(self):
        with open(self.ballast, 'wb', buffering=0) as out:
            try:
                while True:
                    out.write(bytes(4096))
            except OSError:
                pass

    def start_on_disk(self):
        """A broker whose data are on the small disk."""
        self.broker = self.start()
        self.broker.stop()
        self.broker.data = self.data
        self.broker.start()
        self.at = ('--bootstrap-server', self.broker.address)

    def test_the_start_names_the_file_that_has_no_room_and_works_once_it_has(self):
        self.fill()
        address = f'127.0.0.1:{interop_broker.free_port()}'
        self.fails(1, 'broker', '--listener', address, '--data', self.data, timeout=30,
                   says=(f'{self.data}', 'no space left on the disk'))
        self.ballast.unlink()
        self.start_on_disk()
        self.create('t')
        self.produce('t', 'a\n')
        self.assertEqual(self.consume('t', 1), 'a\n')

    def test_what_was_acknowledged_outlives_a_disk_that_fills_up(self):
        self.start_on_disk()
        self.create('t')
        self.produce('t', f'{LINE}\n' * 20)
        self.fill()
        self.fails(1, 'produce', *self.at, '--topic', 't', '--command-property', 'delivery.timeout.ms=3000',
                   '--command-property', 'request.timeout.ms=1000', timeout=60,
                   stdin=f'{LINE}\n'.encode() * 2 * DISK_KIB, says='KAFKA_STORAGE_ERROR')
        self.assertIn('no space left on the disk', self.broker.log_tail())
        self.assertTrue(self.broker.is_running())
        self.ballast.unlink()
        self.broker.sigkill()
        self.broker.start()
        self.assertEqual(self.consume('t', 20), f'{LINE}\n' * 20)
        self.produce('t', 'goes on\n')


if __name__ == '__main__':
    binary.main()
