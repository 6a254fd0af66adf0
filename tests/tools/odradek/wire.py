"""Just enough of Kafka's protocol to send a broker what no client library would: bytes by hand over a socket."""
import socket
import struct

PRODUCE, FETCH, METADATA, API_VERSIONS, DESCRIBE_CONFIGS, DESCRIBE_LOG_DIRS = 0, 1, 3, 18, 32, 35
CREATE_TOPICS, DESCRIBE_CLUSTER = 19, 60
TOPIC, BROKER = 2, 4  # resources that have configurations


def string(text):
    data = text.encode()
    return struct.pack('>h', len(data)) + data


def compact_string(text):
    data = text.encode()
    return bytes([len(data) + 1]) + data


def array(items):
    return struct.pack('>i', len(items)) + b''.join(items)


def header(key, version, correlation_id=1, client_id='wire'):
    return struct.pack('>hhi', key, version, correlation_id) + string(client_id)


def frame(payload):
    return struct.pack('>i', len(payload)) + payload


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def number(self, code):
        size = struct.calcsize('>' + code)
        value, = struct.unpack_from('>' + code, self.data, self.at)
        self.at += size
        return value

    def string(self):
        size = self.number('h')
        self.at += max(size, 0)
        return None if size < 0 else self.data[self.at - size:self.at].decode()

    def array(self, element):
        return [element() for _ in range(self.number('i'))]


class Connection:
    def __init__(self, port, host='127.0.0.1'):
        self.socket = socket.create_connection((host, port), timeout=20)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def receive(self, size):
        """Fewer bytes: the broker ended the connection."""
        data = b''
        while len(data) < size:
            try:
                piece = self.socket.recv(size - len(data))
            except ConnectionResetError:
                return data
            if not piece:
                return data
            data += piece
        return data

    def is_closed_by_broker(self):
        return self.receive(1) == b''

    def answer(self):
        """The next answer after its correlation id."""
        size, = struct.unpack('>i', self.receive(4))
        return Reader(self.receive(size)[4:])

    def call(self, key, version, body):
        self.send(frame(header(key, version) + body))
        return self.answer()


def produce_request(topic, records, acks=-1, partition=0):
    """Version 7, whose layout has no tagged fields. `records`: bytes, or None for null."""
    size = struct.pack('>i', -1 if records is None else len(records))
    data = size + (records or b'')
    partitions = array([struct.pack('>i', partition) + data])
    return struct.pack('>h', -1) + struct.pack('>hi', acks, 10000) + array([string(topic) + partitions])


def produce(connection, topic, records, **options):
    """The error code and base offset."""
    answer = connection.call(PRODUCE, 7, produce_request(topic, records, **options))
    assert answer.number('i') == 1
    answer.string()
    assert answer.number('i') == 1
    answer.number('i')
    return answer.number('h'), answer.number('q')


def describe_configs(port, resource_type, name, keys=None):
    """DescribeConfigs 3 of one resource with synonyms: (error code, message, [(name, value, source, synonyms)])."""
    wanted = struct.pack('>i', -1) if keys is None else array([string(key) for key in keys])
    with Connection(port) as connection:
        resource = struct.pack('>b', resource_type) + string(name) + wanted
        answer = connection.call(DESCRIBE_CONFIGS, 3, array([resource]) + struct.pack('>bb', 1, 0))

    def synonym():
        return answer.string(), answer.string(), answer.number('b')

    def entry():
        key, value = answer.string(), answer.string()
        answer.number('b')
        source = answer.number('b')
        answer.number('b')
        synonyms = answer.array(synonym)
        answer.number('b'), answer.string()
        return key, value, source, synonyms

    def result():
        error, message = answer.number('h'), answer.string()
        answer.number('b'), answer.string()
        return error, message, answer.array(entry)
    answer.number('i')
    described, = answer.array(result)
    return described


def log_dirs(port):
    """DescribeLogDirs 1 of all partitions: directory -> (error code, {(topic, partition)})."""
    with Connection(port) as connection:
        answer = connection.call(DESCRIBE_LOG_DIRS, 1, struct.pack('>i', -1))
    answer.number('i')
    described = {}

    def partitions(topic):
        def one():
            index = answer.number('i')
            answer.number('q'), answer.number('q'), answer.number('b')
            return topic, index
        return answer.array(one)

    def directory():
        error, path = answer.number('h'), answer.string()
        topics = answer.array(lambda: partitions(answer.string()))
        described[path] = (error, {name for some in topics for name in some})
    answer.array(directory)
    return described


def brokers(port):
    """[(host, port)] as Metadata tells them."""
    with Connection(port) as connection:
        answer = connection.call(METADATA, 1, struct.pack('>i', 0))
    found = []
    for _ in range(answer.number('i')):
        answer.number('i')
        found.append((answer.string(), answer.number('i')))
        answer.string()
    return found
