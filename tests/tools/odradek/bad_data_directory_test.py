"""Files of a data directory with which a node does not start: a table of contents and the exact text that names the
file and the line. bad_files_test.py has what a node makes again or goes on without."""
import binary
from with_broker import WithBroker

META = 'meta.properties'
QUORUM = '__cluster_metadata-0/quorum-state'
IDENTITY = '__cluster_metadata-0/partition.metadata'
LOG = '__cluster_metadata-0/00000000000000000000.log'
VOTE = '{"data_version":%d,"leaderId":%d,"leaderEpoch":%d,"votedId":%d%s}'

# Name, content, what the last line says behind the path of the data directory.
REFUSED = (
    (META, '', f'/{META}: "version" is missing'),
    (META, 'version=7\n', f'/{META}:1: version 7 is not known'),
    (META, '=\n', f'/{META}:1: a line without a key'),
    (META, 'version=1\n', f'/{META}: "node.id" is missing'),
    (META, '#\nversion=1\nnode.id=x\n', f'/{META}:3: "x" is not a node id'),
    (META, 'version=1\nnode.id=1\n', f'/{META}: "cluster.id" is missing'),
    (META, 'version=1\nnode.id=1\ncluster.id=a\ndirectory.id=x\n', f'/{META}:4: "x" is not a directory id'),
    (META, 'version=1\nnode.id=2\ncluster.id=a\n', f'/{META}: node.id is 2, the node is configured as 1'),
    (QUORUM, '', f'/{QUORUM}: quorum-state: not a JSON object'),
    (QUORUM, '[]', f'/{QUORUM}: quorum-state: not a JSON object'),
    (QUORUM, '{}', f'/{QUORUM}: quorum-state: no number data_version'),
    (QUORUM, '{"data_version":7}', f'/{QUORUM}: quorum-state: unknown data_version 7'),
    (QUORUM, '{"data_version":1}', f'/{QUORUM}: quorum-state: no valid leaderId'),
    # As a signed number this would be -1: no leader.
    (QUORUM, VOTE % (1, 2**64 - 1, 1, -1, ''), f'/{QUORUM}: quorum-state: no valid leaderId'),
    (QUORUM, VOTE % (1, -1, -1, -1, ''), f'/{QUORUM}: quorum-state: no valid leaderEpoch'),
    (QUORUM, VOTE % (1, -1, 1, -2, ''), f'/{QUORUM}: quorum-state: no valid votedId'),
    (QUORUM, VOTE % (1, -1, 1, -1, ',"votedDirectoryId":"x"'), f"/{QUORUM}: quorum-state: votedDirectoryId is 'x'"),
    (QUORUM, VOTE % (0, -1, 1, -1, ''), f'/{QUORUM}: quorum-state: no list currentVoters'),
    (IDENTITY, '', f'/{IDENTITY}:1: the file is empty'),
    (IDENTITY, 'version: 0\ntopic_id: x\n', f'/{IDENTITY}:2: "topic_id: x" is not a topic id'),
    (IDENTITY, 'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAZQ\n',
     '/__cluster_metadata-0 belongs to topic id AAAAAAAAAAAAAAAAAAAAZQ, not AAAAAAAAAAAAAAAAAAAAAQ'),
    (LOG, 'GET / HTTP/1.1\r\n\r\n',
     '/__cluster_metadata-0/: the log ends at offset 0, but it was synced up to {end}: restore it'),
)


class BadDataDirectory(WithBroker):
    def test_the_node_does_not_start_and_names_the_file(self):
        self.create('t')
        self.produce('t', 'one\ntwo\n')
        self.broker.stop()
        data = self.broker.data
        for name, content, text in REFUSED:
            with self.subTest(name=name, content=content):
                kept = (data / name).read_bytes()
                (data / name).write_text(content)
                # A node that starts after all is killed, and an error.
                result = self.fails(1, 'broker', '--listener', self.broker.address, '--data', data, timeout=30)
                last = result.err.splitlines()[-1]
                end = last.partition('synced up to ')[2].partition(':')[0]
                self.assertEqual(last, f'odradek broker: {data}{text.format(end=end)}' if name == LOG else
                                 f'odradek broker: {data}{text}')
                (data / name).write_bytes(kept)
        # Nothing was changed meanwhile.
        self.broker.start()
        self.assertEqual(self.consume('t', 2), 'one\ntwo\n')


if __name__ == '__main__':
    binary.main()
