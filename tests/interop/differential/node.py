"""A connection to one of the two brokers, and what of its answers is its own: ids, addresses, folders, times."""
import socket
import struct
import time
import uuid

import batches
import messages

CLOSED = 'the connection is closed'
NO_ANSWER = 'no answer'
HANGS = 'neither an answer nor the end of the connection'
PATIENCE_S = 5
CHANGING = ('CreateTopics', 'DeleteTopics', 'CreatePartitions', 'AlterConfigs', 'IncrementalAlterConfigs')
LOADING = 14  # COORDINATOR_LOAD_IN_PROGRESS: ask again
# How near the present a time must be to be called the present.
NOW_SLACK_MS = 600_000


class Gone(Exception):
    """The broker closed the connection."""


class Hangs(Exception):
    """The broker does not answer in time."""


class Link:
    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, frame):
        self.socket.sendall(struct.pack('>i', len(frame)) + frame)

    def exactly(self, count):
        data = b''
        while len(data) < count:
            try:
                piece = self.socket.recv(count - len(data))
            except ConnectionResetError:
                piece = b''
            if not piece:
                raise Gone
            data += piece
        return data

    def receive(self):
        return self.exactly(struct.unpack('>i', self.exactly(4))[0])

    def close(self):
        self.socket.close()


class Node:
    """One broker under comparison. `own` has its texts (addresses, folders) by the name that stands for them."""

    def __init__(self, port, own, settle_s=0.0):
        """`settle_s`: how long it takes until what was changed is seen in later answers."""
        self.port = port
        self.settle_s = settle_s
        self.own = {str(port): '<port>', **own}
        self.link = None
        self.correlation_id = 0
        self.names = {}  # what an id of this broker is called
        self.values = {}  # and the other way round

    def know(self, name, value):
        """From now on `value` is called `name` in answers, and `name` in requests means `value`."""
        self.names[value] = name
        self.values[name] = value

    def connected(self):
        if self.link is None:
            self.link = Link(self.port)
        return self.link

    def disconnect(self):
        if self.link is not None:
            self.link.close()
        self.link = None

    def substitute(self, value):
        if isinstance(value, dict):
            return {key: self.substitute(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.substitute(one) for one in value]
        if isinstance(value, str) and value.startswith('<'):
            return self.values.get(value, uuid.UUID(int=0xdead))
        return value

    def raw(self, *frames):
        """The first answer to frames that need not be requests; None: the connection was closed."""
        link = self.connected()
        try:
            for frame in frames:
                link.send(frame)
            return link.receive()
        except (Gone, BrokenPipeError, ConnectionResetError):
            self.disconnect()
            return None
        except TimeoutError:
            self.disconnect()
            raise Hangs from None

    def ask(self, api, version, body, answered=True):
        """The answer as it came, CLOSED, HANGS, or NO_ANSWER: of a request that has none, and a later one has one."""
        try:
            answer = self.ask_in_time(api, version, body, answered)
        except Hangs:
            return HANGS
        if api in CHANGING:
            time.sleep(self.settle_s)
        for _ in range(50):
            if api != 'InitProducerId' or answer['error_code'] != LOADING:
                break
            time.sleep(0.1)
            answer = self.ask_in_time(api, version, body, answered)
        return answer

    def ask_in_time(self, api, version, body, answered):
        self.correlation_id += 1
        frame = messages.encode_request(api, version, self.substitute(body), self.correlation_id)
        if not answered:
            probe = messages.encode_request('ApiVersions', 0, {}, self.correlation_id + 1)
            self.correlation_id += 1
            return CLOSED if self.raw(frame, probe) is None else NO_ANSWER
        answer = self.raw(frame)
        if answer is None:
            return CLOSED
        correlation_id, decoded = messages.decode_response(api, version, answer)
        assert correlation_id == self.correlation_id, f'correlation id {correlation_id}, not {self.correlation_id}'
        return decoded

    def plain(self, value, name=''):
        """An answer with everything of this broker's own under its name."""
        if isinstance(value, dict):
            return {key: self.plain(one, key) for key, one in value.items()}
        if isinstance(value, list):
            return [self.plain(one, name) for one in value]
        if isinstance(value, bytes):
            return self.plain(batches.facts(value), name)
        if isinstance(value, uuid.UUID):
            return self.names.get(value, '0' if value.int == 0 else 'an id')
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int):
            if name in ('port',) and value == self.port:
                return '<port>'
            if name in ('session_id', 'producer_id', 'finalized_features_epoch') and value > 0:
                return self.names.get((name, value), 'an id')
            if name in ('total_bytes', 'usable_bytes') and value > 0:
                return 'of the disk'
            is_time = 'time' in name and name != 'throttle_time_ms'
            return 'now' if is_time and abs(value - time.time() * 1000) < NOW_SLACK_MS else value
        if name == 'cluster_id':
            return '<cluster>'
        for text, meaning in self.own.items():
            value = value.replace(text, meaning)
        return value
