"""What is asked of the APIs for records: Produce, Fetch, ListOffsets, DeleteRecords and what goes with them."""
import time

import batches
from batches import batch
from cases_admin import new_topic, prepare

NO_OFFSET = -1
READ_COMMITTED = 1
ZSTD_FROM = 7
IDS_FROM = 13


def produce(topic, data, partition=0, acks=-1, transactional_id=None):
    """One batch for one partition; from version 13 on the topic is named by its id."""
    def body(v):
        records = data(v) if callable(data) else data
        name = topic.format(v=v)
        naming = {'topic_id': f'<id of {name}>'} if v >= IDS_FROM else {'name': name}
        return {'transactional_id': transactional_id, 'acks': acks, 'timeout_ms': 5000, 'topic_data': [
            {**naming, 'partition_data': [{'index': partition, 'records': records}]}]}
    return body


def add_good_batches(script):
    script.ask('a record', 'Produce', produce('one', batch()))
    script.ask('three records for the leader', 'Produce', produce('one', batch([b'a', b'b', b'c']), acks=1))
    script.ask('compacted: records with keys', 'Produce', produce('compacted', batch([b'v', b'w'], keys=[b'k', b'l'])))
    script.ask('stamped by the broker', 'Produce', produce('stamped', batch([b'v', b'w'], deltas=[5, 9])))
    for name, codec in {'gzip': 1, 'snappy': 2, 'lz4': 3, 'zstd': 4}.items():
        script.ask(f'compressed by {name}', 'Produce', produce('three', batch([b'v', b'w'], codec=codec), 1))
        script.ask(f'to be compressed anew, from {name}', 'Produce', produce('gzip', batch([b'v'] * 9, codec=codec)))
        script.ask(f'to be unpacked, from {name}', 'Produce', produce('plain', batch([b'v'] * 3, codec=codec)), [3, 9,
            13])
    script.ask('no answer is wanted', 'Produce', produce('one', batch(), acks=0), answered=False)
    script.ask('a base offset of its own', 'Produce', produce('one', batch(base_offset=500)), [9])
    script.ask('an epoch of its own', 'Produce', produce('one', batch(epoch=77)), [9])
    script.ask('a largest timestamp that is not it', 'Produce', produce('seg', batch([b'a'], max_timestamp=9999)), [9])
    script.ask('without a timestamp', 'Produce', produce('seg', batch([b'a'], timestamp=-1)), [9])
    script.ask('timestamps that fall', 'Produce', produce('seg', batch([b'a', b'b'], deltas=[50, 10])), [9])
    script.ask('a batch marked as stamped', 'Produce', produce('seg', batch([b'a'], attributes=8)), [9])
    script.ask('headers', 'Produce', produce('seg', batch(records=[batches.record(0, b'v', b'k', 0, [(b'h', b'1'),
                                                                                                    (b'', None)])])),
                                                                                                    [9])
    script.ask('an empty value and a null one', 'Produce', produce('seg', batch([b'', None])), [9])
    script.ask('the time of now', 'Produce', lambda v: produce('strict', batch(timestamp=int(time.time() * 1000)))(v),
               [9])


def bad_batches():
    record = batches.record
    good = batch()
    return {
        'null': None, 'nothing': b'', 'a byte': b'\0', 'half a header': good[:30], 'a batch cut off': good[:-1],
        'a byte behind the batch': good + b'\0', 'two batches': good + good, 'a wrong crc': batch(crc=1),
        'a length of zero': batch(length=0), 'a negative length': batch(length=-5),
        'a length too long': batch(length=500),
        'format 0': batches.old_message(0), 'format 1': batches.old_message(1), 'format 3': batch(magic=3),
        'format -1': batch(magic=-1), 'no records': batch(values=[], last_offset_delta=0),
        'no records, no deltas': batch(values=[]),
        'a count too high': batch(count=2), 'a count too low': batch([b'a', b'b'], count=1),
        'a count too high with its delta': batch(count=2, last_offset_delta=1),
        'a negative count': batch(count=-1), 'a last delta too high': batch(last_offset_delta=5),
        'a negative last delta': batch(last_offset_delta=-1), 'a delta left out': batch(
            records=[record(0, b'a'), record(2, b'b')], last_offset_delta=2),
        'codec 5': batch(attributes=5), 'codec 7': batch(attributes=7), 'bytes that are not gzip': batch(
            attributes=1, body=b'xyz', records=[b'']), 'a gzip cut off': batch(
            attributes=1, body=batches.compress(1, record(0, b'a'))[:-9], records=[b'']),
        'a byte behind the records': batch(body=record(0, b'a') + b'\0', records=[b'']),
        'a byte behind the packed records': batch(attributes=1, body=batches.compress(1, record(0, b'a') + b'\0'),
                                                  records=[b'']),
        'a record longer than the batch': batch(body=b'\x7e' + record(0, b'a')[1:], records=[b'']),
        'a record with a negative length': batch(body=b'\x01', records=[b'']),
        'a control batch': batch(attributes=32), 'a transactional batch': batch(attributes=16, producer=(4000, 0, 0)),
        'a transactional batch without a producer': batch(attributes=16),
        'an epoch without a producer': batch(producer=(-1, 0, -1)), 'a sequence without a producer': batch(
            producer=(-1, -1, 3)), 'a producer without a sequence': batch(producer=(4002, 0, -1)),
            'unknown attributes': batch(attributes=0x4000),
        'a negative base offset': batch(base_offset=-7), 'a horizon': batch(attributes=64),
        'a negative timestamp': batch(timestamp=-1000),
    }


def stricter_batches():
    return {'deltas that fall': batch(records=[batches.record(1, b'a'), batches.record(0, b'b')], last_offset_delta=1),
            'a producer without an epoch': batch(producer=(4001, -1, 0))}


def add_bad_batches(script):
    prepare(script, 'topics for bad batches', [new_topic('bad'), new_topic('stricter'), new_topic('bad-stamped',
        configs=[
        ('message.timestamp.type', 'LogAppendTime')])])
    for title, data in stricter_batches().items():
        script.ask(f'refused here only: {title}', 'Produce', produce('stricter', data), [3, 9, 13])
    for title, data in bad_batches().items():
        script.ask(f'refused: {title}', 'Produce', produce('bad', data), [3, 9] if data is None else [3, 7, 9, 13])
    script.ask('refused: zstd', 'Produce', produce('bad', batch([b'a'], codec=4)), range(3, 9))
    script.ask('refused: too large', 'Produce', produce('small', batch([b'x' * 300])), [3, 9, 13])
    script.ask('refused: too large but small in gzip', 'Produce', produce('small', batch([b'x' * 900], codec=1)), [9])
    script.ask('compacted, refused: no key', 'Produce', produce('compacted', batch([b'a', b'b'], keys=[b'k', None])),
               [3, 8, 9, 13])
    script.ask('compacted, refused: no keys', 'Produce', produce('compacted', batch([b'a'] * 15)), [9])
    script.ask('compacted, refused: no key, packed', 'Produce', produce('compacted-both', batch([b'a'], codec=1)), [9])
    script.ask('refused: too old', 'Produce', produce('strict', batch([b'a', b'b'], deltas=[1, 2])), [3, 8, 9])
    script.ask('refused: too new', 'Produce', produce('strict', batch([b'a'], timestamp=1 << 50)), [3, 9])
    script.ask('refused: a missing topic', 'Produce', produce('missing', batch()))
    script.ask('refused: a bad name', 'Produce', produce('a/b', batch()), [9])
    script.ask('refused: a missing partition', 'Produce', produce('one', batch(), partition=1), [3, 9, 13])
    script.ask('refused: a negative partition', 'Produce', produce('one', batch(), partition=-1), [3, 9, 13])
    script.ask('refused: the metadata topic', 'Produce', produce('__cluster_metadata', batch()), [9])
    for acks in (2, -2, 7):
        script.ask(f'refused: acks {acks}', 'Produce', produce('one', batch(), acks=acks), [3, 9, 13])
        script.ask(f'refused: acks {acks} for a missing topic', 'Produce', produce('missing', batch(), acks=acks), [9])
    script.ask('refused: acks 2 beside a bad batch', 'Produce', produce('one', batch(crc=1), acks=2), [9])
    script.ask('no answer, a missing topic', 'Produce', produce('missing', batch(), acks=0), [3, 9, 13], answered=False)
    script.ask('no answer, a bad batch', 'Produce', produce('one', batch(crc=1), acks=0), [9], answered=False)
    script.ask('no topics', 'Produce', {'acks': -1, 'timeout_ms': 1000})
    script.ask('no topics and no answer', 'Produce', {'acks': 0, 'timeout_ms': 1000}, [3, 9], answered=False)
    script.ask('no partitions', 'Produce', {'acks': -1, 'topic_data': [{'name': 'one', 'partition_data': []}]}, [9])

    def both(v):
        naming = [{'topic_id': f'<id of {name}>'} if v >= IDS_FROM else {'name': name} for name in ('three', 'one')]
        return {'acks': -1, 'timeout_ms': 1000, 'topic_data': [
            {**naming[0], 'partition_data': [{'index': 2, 'records': batch()}, {'index': 9, 'records': batch()},
                                             {'index': 0, 'records': batch(crc=5)}]},
            {**naming[1], 'partition_data': [{'index': 0, 'records': batch()}]}]}
    script.ask('good and bad in one', 'Produce', both, [3, 9, 13])
    script.ask('a partition twice', 'Produce', lambda v: {'acks': -1, 'topic_data': [
        {'name': 'stricter', 'partition_data': [{'index': 0, 'records': batch()}, {'index': 0, 'records': batch()}]}]},
        [9])
    script.ask('a topic twice', 'Produce', lambda v: {'acks': -1, 'topic_data': [
        {'name': name, 'partition_data': [{'index': index, 'records': batch()}]}
        for name, index in (('three', 0), ('bad', 0), ('three', 1))]}, [9])


def add_idempotence(script):
    prepare(script, 'a topic for idempotent producers', [new_topic('idem'), new_topic('idem-2')])

    def send(title, sequence, count=1, epoch=0, producer=7000, topic='idem', version=9):
        script.ask(title, 'Produce', produce(topic, batch([b'v'] * count, producer=(producer, epoch, sequence))),
                   [version])
    send('sequence 0', 0)
    send('sequences 1 to 3', 1, 3)
    send('sequences 1 to 3 again', 1, 3)
    send('sequence 0 again', 0)
    send('a part of what was sent', 1, 2)
    send('a gap', 5)
    for sequence in range(4, 10):
        send(f'sequence {sequence}', sequence)
    send('one of the last five again', 5)
    send('one before the last five', 1, 3)
    send('sequence 0 long after', 0)
    send('a newer epoch, not from 0', 4, epoch=1)
    send('a newer epoch', 0, epoch=1)
    send('an older epoch', 10, epoch=0)
    send('an unknown producer in the middle', 40, producer=7001)
    send('and on', 41, producer=7001)
    send('and back', 40, producer=7001)
    send('the last sequences', 2147483646, 2, producer=7002)
    send('the first after the last', 0, producer=7002)
    send('across the end', 2147483647, 2, producer=7003)
    send('behind the end', 1, producer=7003)
    send('the batch across the end again', 2147483647, 2, producer=7003)
    send('a gap behind the end', 3, producer=7003)
    send('epoch 32767', 0, epoch=32767, producer=7004)
    send('no producer', -1, epoch=-1, producer=-1)
    for title, topics in {'the producers': [('idem', [0])], 'producers of what is not there': [
            ('missing', [0]), ('idem', [0, 1, -1]), ('a/b', [0])], 'producers of nothing': []}.items():
        script.ask(title, 'DescribeProducers', {'topics': [
            {'name': name, 'partition_indexes': partitions} for name, partitions in topics]})


def fetch(wants, *, session=(0, -1), max_bytes=1 << 20, min_bytes=0, wait=0, forget=(), isolation=0, replica=-1):
    """`wants`: (topic, partition, offset, more fields)."""
    def naming(v, name):
        return {'topic_id': f'<id of {name}>'} if v >= IDS_FROM else {'topic': name}

    def body(v):
        topics = []
        for name, partition, offset, more in wants:
            fields = {key: value for key, value in more.items() if key != 'current_leader_epoch' or v >= 9}
            topics.append({**naming(v, name), 'partitions': [
                {'partition': partition, 'fetch_offset': offset, 'partition_max_bytes': 1 << 20, **fields}]})
        out = {'max_wait_ms': wait, 'min_bytes': min_bytes, 'max_bytes': max_bytes, 'isolation_level': isolation,
               'topics': topics}
        if v >= 7:
            out['session_id'], out['session_epoch'] = session
            out['forgotten_topics_data'] = [{**naming(v, name), 'partitions': [partition]} for name,
                                            partition in forget]
        if v < 15:
            out['replica_id'] = replica
        elif replica != -1:
            out['replica_state'] = {'replica_id': replica}
        return out
    return body


def add_fetch(script):
    prepare(script, 'topics to read', [new_topic('f'), new_topic('g'), new_topic('h')])
    for i in range(5):
        script.ask(f'record {i} to read', 'Produce', produce('f', batch([b'%d' % i] * 2, timestamp=1000 + i)), [9])
    script.ask('a packed record to read', 'Produce', produce('g', batch([b'x'] * 3, codec=1)), [9])
    one = {'from the start': 0, 'from within': 3, 'at the end': 10, 'behind the end': 11, 'far behind': 1 << 40,
           'before the start': -1, 'at minus two': -2}
    for title, offset in one.items():
        script.ask(title, 'Fetch', fetch([('f', 0, offset, {})]))
    script.ask('committed only', 'Fetch', fetch([('f', 0, 0, {})], isolation=READ_COMMITTED))
    script.ask('isolation level 7', 'Fetch', fetch([('f', 0, 0, {})], isolation=7), [4, 12])
    script.ask('of nothing', 'Fetch', fetch([]))
    script.ask('of an empty topic', 'Fetch', fetch([('empty', 0, 0, {})]))
    script.ask('of a missing topic', 'Fetch', fetch([('missing', 0, 0, {}), ('f', 0, 8, {})]))
    script.ask('of missing partitions', 'Fetch', fetch([('f', 1, 0, {}), ('f', -1, 0, {}), ('f', 0, 8, {})]), [4, 12,
        17])
    script.ask('one byte of a partition', 'Fetch', fetch([('f', 0, 0, {'partition_max_bytes': 1})]), [4, 12, 17])
    script.ask('one byte of two partitions', 'Fetch', fetch([
        ('f', 0, 0, {'partition_max_bytes': 1}), ('g', 0, 0, {'partition_max_bytes': 1})]), [4, 12, 17])
    script.ask('one byte in all', 'Fetch', fetch([('f', 0, 0, {}), ('g', 0, 0, {})], max_bytes=1), [4, 12, 17])
    script.ask('a hundred bytes of a partition', 'Fetch', fetch([('f', 0, 0, {'partition_max_bytes': 200})]), [12])
    script.ask('a negative limit', 'Fetch', fetch([('f', 0, 0, {'partition_max_bytes': -1})]), [12])
    script.ask('no bytes of a partition', 'Fetch', fetch([('f', 0, 0, {'partition_max_bytes': 0})]), [12])
    script.ask('no bytes in all', 'Fetch', fetch([('f', 0, 0, {})], max_bytes=0), [12])
    script.ask('a negative limit in all', 'Fetch', fetch([('f', 0, 0, {})], max_bytes=-1), [12])
    script.ask('a partition twice', 'Fetch', fetch([('f', 0, 0, {}), ('f', 0, 8, {})]), [4, 12, 17])
    script.ask('two topics by turns', 'Fetch', fetch([('g', 0, 0, {}), ('f', 0, 8, {}), ('three', 1, 0, {}),
                                                      ('g', 0, 3, {})]), [4, 12, 17])
    script.ask('too many bytes wanted', 'Fetch', fetch([('f', 0, 9, {})], min_bytes=5000, wait=50), [4, 12, 17])
    script.ask('a negative wait', 'Fetch', fetch([('empty', 0, 0, {})], min_bytes=1, wait=-1), [12])
    for epoch in (0, 1, -1, -2, 5):
        script.ask(f'leader epoch {epoch}', 'Fetch', fetch([('f', 0, 0, {'current_leader_epoch': epoch})]), [9, 12, 17])
    for epoch, offset in ((0, 4), (0, 10), (0, 11), (1, 4), (-1, 4), (5, 99), (0, -5)):
        script.ask(f'last fetched epoch {epoch} at {offset}', 'Fetch',
                   fetch([('f', 0, offset, {'last_fetched_epoch': epoch})]), [12, 17])
    script.ask('of a replica that is none', 'Fetch', fetch([('f', 0, 0, {})], replica=9), [4, 12, 17])
    script.ask('of the broker itself', 'Fetch', fetch([('f', 0, 0, {})], replica=1), [4, 12, 17])
    script.ask('of replica -2', 'Fetch', fetch([('f', 0, 8, {})], replica=-2), [12, 17])
    for name in ('one', 'three', 'compacted', 'stamped', 'gzip', 'plain', 'seg', 'bad', 'idem'):
        script.ask(f'what is in {name}', 'Fetch', fetch([(name, partition, 0, {}) for partition in range(
            3 if name == 'three' else 1)]), [12, 17])
    add_sessions(script)


def add_sessions(script):
    def learn(node, answer):
        if answer['session_id']:
            node.know('<session>', answer['session_id'])
            node.names['session_id', answer['session_id']] = '<session>'

    def steps(version):
        def ask(title, wants, session, after=None, **more):
            script.ask(f'session, version {version}: {title}', 'Fetch', fetch(wants, session=session, **more),
                       [version],
                       after=after)
        f, g, h = ('f', 0, 0, {}), ('g', 0, 0, {}), ('h', 0, 0, {})
        ask('opened', [f, h], (0, 0), after=learn)
        ask('nothing new', [('f', 0, 10, {})], ('<session>', 1))
        ask('one more', [g], ('<session>', 2))
        ask('the same again', [], ('<session>', 3))
        ask('one forgotten', [], ('<session>', 4), forget=[('g', 0)])
        ask('an older epoch', [], ('<session>', 4))
        ask('a later epoch', [], ('<session>', 9))
        ask('one at a bad offset', [('f', 0, 99, {})], ('<session>', 5))
        ask('and again', [], ('<session>', 6))
        ask('a missing partition', [('f', 7, 0, {}), ('f', 0, 10, {})], ('<session>', 7))
        ask('and again the missing partition', [], ('<session>', 8))
        ask('a missing topic', [('missing', 0, 0, {})], ('<session>', 9))
        ask('and again the missing topic', [], ('<session>', 10))
        ask('of the other naming', [], ('<session>', 11))
        ask('an unknown one', [], (12345, 5))
        ask('none, and an epoch', [], (0, 5))
        ask('opened anew', [f], ('<session>', 0), after=learn)
        ask('the first of the new one', [('f', 0, 10, {})], ('<session>', 1))
        ask('closed', [('f', 0, 8, {})], ('<session>', -1))
        ask('after it was closed', [], ('<session>', 2))
        ask('opened for nothing', [], (0, 0))
        ask('closed though unknown', [('f', 0, 8, {})], (77, -1))
        ask('a replaced unknown one', [h], (77, 0), after=learn)
    for version in (7, 12, 17):
        steps(version)
    script.ask('session of names, continued by ids', 'Fetch', fetch([], session=('<session>', 1)), [12])


def add_offsets(script):
    def lists(wants, **more):
        return lambda v: {'replica_id': more.get('replica', -1),
                          **({'isolation_level': more.get('isolation', 0)} if v >= 2
                                                                   else {}), 'topics': [
            {'name': name, 'partitions': [{'partition_index': partition, 'timestamp': timestamp,
                                           **({'current_leader_epoch': epoch} if v >= 4 else {})}]}
            for name, partition, timestamp, epoch in wants]}
    for timestamp in (-1, -2, -3, -4, -5, -6, -7, 0, 999, 1000, 1001, 1003, 1004, 1005, 1 << 60):
        script.ask(f'timestamp {timestamp}', 'ListOffsets', lists([('f', 0, timestamp, -1)]))
    for timestamp in (-1, -2, -3, 0):
        script.ask(f'timestamp {timestamp} of an empty topic', 'ListOffsets', lists([('empty', 0, timestamp, -1)]), [1,
            5, 11])
        script.ask(f'timestamp {timestamp}, committed', 'ListOffsets', lists([('f', 0, timestamp, -1)], isolation=1),
                   [2, 11])
        script.ask(f'timestamp {timestamp} within a batch', 'ListOffsets', lists([('seg', 0, timestamp, -1)]), [11])
    for timestamp in (1010, 1050, 1051, 9999):
        script.ask(f'timestamp {timestamp} where they fall', 'ListOffsets', lists([('seg', 0, timestamp, -1)]), [11])
    script.ask('of a batch that the broker stamped', 'ListOffsets',
               lists([('stamped', 0, -3, -1), ('stamped', 0, 5000, -1)]),
               [11])
    script.ask('in packed batches', 'ListOffsets', lists([('gzip', 0, 1000, -1), ('g', 0, -3, -1)]), [11])
    script.ask('what is not there', 'ListOffsets', lists([('missing', 0, -1, -1), ('f', 1, -1, -1), ('f', -1, -1, -1),
                                                          ('a/b', 0, -1, -1)]))
    script.ask('a partition twice', 'ListOffsets', lists([('f', 0, -1, -1), ('f', 0, -2, -1), ('g', 0, -1, -1)]), [1,
        6, 11])
    script.ask('nothing', 'ListOffsets', lists([]))
    for epoch in (0, 1, -2):
        script.ask(f'leader epoch {epoch}', 'ListOffsets', lists([('f', 0, -1, epoch)]), range(4, 12))
    for replica in (-2, -3, 1, 9):
        script.ask(f'by replica {replica}', 'ListOffsets', lists([('f', 0, -1, -1)], replica=replica), [1, 11])
    script.ask('isolation level 5', 'ListOffsets', lists([('f', 0, -1, -1)], isolation=5), [11])
    add_epochs(script)


def add_epochs(script):
    def ask(title, wants, versions=None, replica=-1):
        script.ask(title, 'OffsetForLeaderEpoch', lambda v: {**({'replica_id': replica} if v >= 3 else {}), 'topics': [
            {'topic': name, 'partitions': [{'partition': partition, 'current_leader_epoch': current,
                                            'leader_epoch': epoch}]} for name, partition, current, epoch in wants]},
                                            versions)
    for current, epoch in ((-1, 0), (0, 0), (-1, 1), (-1, -1), (1, 0), (-1, -2), (0, 99)):
        ask(f'epoch {epoch} as of {current}', [('f', 0, current, epoch)])
    ask('of an empty log', [('empty', 0, -1, 0)])
    ask('what is not there', [('missing', 0, -1, 0), ('f', 1, -1, 0), ('f', -1, -1, 0), ('a/b', 0, -1, 0)])
    ask('a partition twice', [('f', 0, -1, 0), ('g', 0, -1, 0), ('f', 0, -1, 1)])
    ask('nothing', [])
    ask('by a replica', [('f', 0, -1, 0)], [3, 4], replica=9)


def add_delete_records(script):
    prepare(script, 'topics to delete from', [new_topic(f'r-{v}') for v in range(3)])
    for v in range(3):
        script.ask(f'records to delete from r-{v}', 'Produce', produce(f'r-{v}', batch([b'a'] * 9)), [9])

    def before(topic, offset, partition=0):
        return lambda v: {'topics': [{'name': topic.format(v=v), 'partitions': [
            {'partition_index': partition, 'offset': offset}]}], 'timeout_ms': 5000}
    for title, offset in {'the first two': 2, 'the same again': 2, 'fewer': 1, 'from within a batch': 5,
                          'more than there are':
                          10, 'minus two': -2, 'all': -1, 'all again': -1, 'at the end': 9}.items():
        script.ask(title, 'DeleteRecords', before('r-{v}', offset))
        script.ask(f'after the deletion of {title}', 'Fetch', fetch([('r-0', 0, 0, {}), ('r-0', 0, 5, {})]), [12])
        script.ask(f'the start after the deletion of {title}', 'ListOffsets', {'replica_id': -1, 'topics': [
            {'name': 'r-0', 'partitions': [{'partition_index': 0, 'timestamp': -2}, ]}]}, [11])
    for topic, offset in (('compacted', 1), ('compacted', -1), ('compacted', 999), ('compacted-both', 0), ('missing',
        0), ('a/b', 0),
                          ('__cluster_metadata', 0), ('empty', 0), ('empty', -1), ('empty', 1)):
        script.ask(f'{offset} of {topic}', 'DeleteRecords', before(topic, offset))
    script.ask('a missing partition', 'DeleteRecords', before('one', 0, 1))
    script.ask('a partition twice', 'DeleteRecords', {'topics': [{'name': 'one', 'partitions': [
        {'partition_index': 0, 'offset': 1}, {'partition_index': 0, 'offset': 2}]}], 'timeout_ms': 5000})
    script.ask('several', 'DeleteRecords', {'topics': [
        {'name': 'three', 'partitions': [{'partition_index': 1, 'offset': 1}, {'partition_index': 7, 'offset': 1}]},
        {'name': 'missing', 'partitions': [{'partition_index': 0, 'offset': 1}]},
        {'name': 'one', 'partitions': [{'partition_index': 0, 'offset': 3}]}], 'timeout_ms': 5000})
    script.ask('nothing', 'DeleteRecords', {'topics': []})
    script.ask('without a time', 'DeleteRecords', {'topics': [{'name': 'one', 'partitions': [
        {'partition_index': 0, 'offset': 4}]}], 'timeout_ms': 0})
