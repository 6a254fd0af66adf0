"""A broker process under test: start, stop, SIGKILL, restart; a folder and a port of its own; its log on failure."""
import contextlib
import ctypes
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HOST = '127.0.0.1'
PR_SET_PDEATHSIG = 1
API_VERSIONS_REQUEST = b'\0\0\0\x0a' + b'\0\x12' + b'\0\0' + b'\0\0\0\1' + b'\xff\xff'  # version 0, no client id
LIBC = ctypes.CDLL(None)


def die_with_parent():
    """Runs in the child: nothing that a test starts outlives it, however it ends. "It" is the thread that started the
    child, so children are started on main threads."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port():
    """A port below the range that the system gives to outgoing connections: nobody takes it between two starts."""
    for _ in range(200):
        port = random.randrange(12000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise RuntimeError('no free port found')


class Broker:
    def __init__(self, binary, **settings):
        """Settings are Kafka's names with an underscore for each dot."""
        self.binary = binary
        self.settings = [f'{name.replace("_", ".")}={value}' for name, value in settings.items()]
        self.config = None  # a server.properties
        self.listener = None  # where to listen, if not at HOST
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='odradek-interop-'))
        self.data = self.folder / 'data'
        self.log_path = self.folder / 'broker.log'
        self.port = free_port()
        self.process = None
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    @property
    def address(self):
        return f'{HOST}:{self.port}'

    def start(self):
        command = [self.binary, 'broker', '--listener', self.listener or self.address]
        if not any(setting.startswith('log.dirs=') for setting in self.settings):
            command += ['--data', str(self.data)]
        if self.config is not None:
            command += ['--config', str(self.config)]
        for setting in self.settings:
            command += ['--override', setting]
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=die_with_parent)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f'the broker ended at once with {self.process.returncode}:\n{self.log_tail()}')
            # The port is open before the data are loaded: it is an answer that says that the node is there.
            with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), timeout=20) as connection:
                connection.sendall(API_VERSIONS_REQUEST)
                if connection.recv(4):
                    return
            time.sleep(0.02)
        raise RuntimeError(f'the broker does not listen:\n{self.log_tail()}')

    def sigkill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Stops cleanly and returns the exit code."""
        self.process.terminate()
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.sigkill()
            raise RuntimeError(f'the broker does not stop on SIGTERM:\n{self.log_tail()}') from None

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def log_tail(self, lines=40):
        if not self.log_path.exists():
            return ''
        return '\n'.join(self.log_path.read_text(errors='replace').splitlines()[-lines:])

    def close(self):
        if self.is_running():
            self.sigkill()
        shutil.rmtree(self.folder, ignore_errors=True)


def run_under_kills(broker, command, last_words=b'', timeout_s=120):
    """Runs a client that says a line when it has begun, and kills the broker three times under it. Returns the line, and
    what the client became: its exit code, what else it said on standard output, and on standard error."""
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              preexec_fn=die_with_parent)
    try:
        began = client.stdout.readline()
        for _ in range(3 if began else 0):
            time.sleep(0.7)
            broker.sigkill()
            broker.start()
        out, err = client.communicate(last_words, timeout=timeout_s)
    finally:
        client.kill()
        client.wait()
    return began, subprocess.CompletedProcess(command, client.returncode, out, err)


def run_program(command, text='', timeout_s=60, env=None):
    """Runs a client to its end; a client that hangs is killed and is a failure."""
    environment = dict(os.environ, **(env or {}))
    data = text if isinstance(text, bytes) else text.encode()
    try:
        return subprocess.run(command, input=data, capture_output=True, timeout=timeout_s, check=False,
                              env=environment, preexec_fn=die_with_parent)
    except subprocess.TimeoutExpired as late:
        raise AssertionError(f'{command[0]} did not end within {timeout_s} s; stderr: '
                             f'{(late.stderr or b"").decode(errors="replace")[-2000:]}') from None
