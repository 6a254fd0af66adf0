#!/usr/bin/python3 -B
"""rdkafka for Rust, a newer librdkafka than Debian's. tests/interop/fetch builds the program of rust/, or
ODRADEK_RUST_CLIENT names it."""
import clients
import suite
from broker import run_program

rust = suite.Suite('rdkafka (Rust)')


@rust.requires
def program():
    return clients.find('rdkafka for Rust', 'ODRADEK_RUST_CLIENT', 'rust_client')


def add_check(what, check):
    @rust.check(what)
    def run(world):
        done = run_program([program(), check, world.broker.address, world.topic(check)])
        assert done.returncode == 0, done.stderr.decode()[-3000:]


add_check('produce: codecs, acks all, 1, 0; consume', 'produce')
add_check('idempotent producer', 'idempotent')
add_check('admin: topics, partitions, configs', 'admin')
add_check('watermarks, delete records', 'offsets')
rust.not_yet('consumer groups', 'there is no group coordinator in this version')

if __name__ == '__main__':
    suite.main([rust], __doc__)
