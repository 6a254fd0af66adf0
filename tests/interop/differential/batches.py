"""Record batches (version 2), built byte by byte so that every field can be wrong, and their facts as a dictionary."""
import gzip
import struct
import zlib

HEADER = '>qiibIhiqqqhii'
HEADER_BYTES = struct.calcsize(HEADER)
NO_CODEC, GZIP, SNAPPY, LZ4, ZSTD = range(5)


def make_crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ 0x82f63b78 * (byte & 1)
        table.append(byte)
    return table


CRC_TABLE = make_crc_table()


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xffffffff


def varint(value):
    value = (value << 1 ^ value >> 63) & 0xffffffffffffffff
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def sized(data):
    return varint(-1) if data is None else varint(len(data)) + data


def record(offset_delta, value, key=None, timestamp_delta=0, headers=()):
    body = b'\0' + varint(timestamp_delta) + varint(offset_delta) + sized(key) + sized(value) + varint(len(headers))
    for name, data in headers:
        body += sized(name) + sized(data)
    return varint(len(body)) + body


def compress(codec, data):
    """gzip is the library's; the others store the bytes as they are, in the frames of their formats."""
    if codec == NO_CODEC:
        return data
    if codec == GZIP:
        return gzip.compress(data, mtime=0)
    if codec == SNAPPY:
        literal = bytes([60 << 2, len(data) - 1]) + data if len(data) > 60 else bytes([len(data) - 1 << 2]) + data
        block = bytes([len(data) & 127 | 128, len(data) >> 7]) + literal
        return b'\x82SNAPPY\0' + struct.pack('>iii', 1, 1, len(block)) + block
    if codec == LZ4:
        # Independent blocks of at most 64 KiB, no checksums but the header's (xxHash32 of flags and size, second byte).
        return b'\x04\x22\x4d\x18\x60\x40\x82' + struct.pack('<I', 1 << 31 | len(data)) + data + bytes(4)
    if codec == ZSTD:
        # One raw block, window of 1 KiB.
        return b'\x28\xb5\x2f\xfd\x00\x00' + struct.pack('<I', len(data) << 3 | 1)[:3] + data
    return data


def batch(values=(b'a',), *, codec=0, keys=None, timestamp=1000, deltas=None, producer=(-1, -1, -1), magic=2,
          attributes=None, records=None, body=None, **wrong):
    """`wrong` replaces fields of the header: base_offset, length, epoch, crc, last_offset_delta, count,
    max_timestamp."""
    deltas = deltas or [0] * len(values)
    if records is None:
        records = [record(i, value, keys[i] if keys else None, deltas[i]) for i, value in enumerate(values)]
    if body is None:
        body = compress(codec, b''.join(records))
    count = wrong.get('count', len(records))
    max_timestamp = wrong.get('max_timestamp', timestamp + max(deltas, default=0))
    covered = struct.pack('>hiqqqhii', codec if attributes is None else attributes,
                          wrong.get('last_offset_delta', len(records) - 1), timestamp, max_timestamp, *producer,
                          count) + body
    head = struct.pack('>qiib', wrong.get('base_offset', 0), wrong.get('length', 9 + len(covered)),
                       wrong.get('epoch', -1), magic)
    return head + struct.pack('>I', wrong.get('crc', crc32c(covered))) + covered


def old_message(magic, value=b'a'):
    """A message of format 0 or 1."""
    covered = bytes([magic, 0]) + (struct.pack('>q', 1000) if magic else b'') + struct.pack('>ii', -1,
        len(value)) + value
    return struct.pack('>qiI', 0, len(covered) + 4, zlib.crc32(covered)) + covered


def facts(data):
    """What is in the bytes of a Fetch answer."""
    if data is None:
        return None
    out, at = [], 0
    while at + HEADER_BYTES <= len(data):
        (base, length, epoch, magic, crc, attributes, last_delta, base_time, max_time, producer, producer_epoch,
         sequence,
         count) = struct.unpack_from(HEADER, data, at)
        end = at + 12 + length
        if end > len(data):
            break
        body = data[at + HEADER_BYTES:end]
        codec = attributes & 7
        if codec == GZIP:
            body = zlib.decompress(body, 31)
        assert crc32c(data[at + 21:end]) == crc, 'a fetched batch has a wrong CRC'
        out.append({'base': base, 'epoch': epoch, 'magic': magic, 'attributes': attributes, 'last_delta': last_delta,
                    'base_time': base_time, 'max_time': max_time,
                    'producer': [producer, producer_epoch, sequence], 'count': count,
                    'records': f'{len(body)} bytes, {zlib.crc32(body):08x}'})
        at = end
    if at != len(data):
        out.append(f'{len(data) - at} bytes of a batch that is cut off')
    return out
