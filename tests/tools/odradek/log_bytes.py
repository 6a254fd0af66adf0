"""Files of a data directory, made by hand: what Kafka's formats say, independent of the code that is tested."""
import struct


def _crc32c_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82f63b78 if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _crc32c_table()


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xff]
    return crc ^ 0xffffffff


def varint(value):
    value = (value << 1) ^ (value >> 63)
    value &= (1 << 64) - 1
    out = b''
    while value >= 0x80:
        out += bytes([value & 0x7f | 0x80])
        value >>= 7
    return out + bytes([value])


def uvarint(value):
    out = b''
    while value >= 0x80:
        out += bytes([value & 0x7f | 0x80])
        value >>= 7
    return out + bytes([value])


def field(data):
    return varint(-1) if data is None else varint(len(data)) + data


def record(delta, key, value, headers=()):
    body = b'\0' + varint(0) + varint(delta) + field(key) + field(value) + varint(len(headers))
    for name, content in headers:
        body += field(name) + field(content)
    return varint(len(body)) + body


def batch(base_offset, records, timestamp=1000, attributes=0, epoch=0, producer=(-1, -1, -1)):
    """`records` are (key, value) or (key, value, headers)."""
    tail = struct.pack('>hiqqqhii', attributes, len(records) - 1, timestamp, timestamp, *producer, len(records))
    tail += b''.join(record(i, *one) for i, one in enumerate(records))
    head = struct.pack('>ibI', epoch, 2, crc32c(tail))
    return struct.pack('>qi', base_offset, len(head) + len(tail)) + head + tail


def control_batch(base_offset, kind, value, producer=(-1, -1, -1)):
    attributes = 0x30 if producer[0] >= 0 else 0x20
    return batch(base_offset, [(struct.pack('>hh', 0, kind), value)], attributes=attributes, producer=producer)


def compact_string(text):
    data = text.encode()
    return uvarint(len(data) + 1) + data


def metadata_record(key, version, body):
    return uvarint(1) + uvarint(key) + uvarint(version) + body


def feature_level(name, level):
    return metadata_record(12, 0, compact_string(name) + struct.pack('>h', level) + b'\0')


def producer_snapshot(entries):
    """Entries: producer id, epoch, last sequence, last offset, offset delta, timestamp, coordinator epoch, txn start."""
    body = struct.pack('>i', len(entries)) + b''.join(struct.pack('>qhiqiqiq', *entry) for entry in entries)
    return struct.pack('>hI', 1, crc32c(body)) + body
