"""A headless Chromium, driven over its debugging pipe with nothing but Python's standard library."""
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ('chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome')
ANSWER_SECONDS_MAX = 60


def find():
    named = os.environ.get('ODRADEK_BROWSER')
    if named:
        return named
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Browser:
    """One page. `problems` collects errors of the console, exceptions, and requests that are for no file."""

    def __init__(self, program, width=1500, height=1000):
        self.problems = []
        self.number = 0
        self.bytes = b''
        self.profile = tempfile.mkdtemp(prefix='odradek-browser-')
        to_browser, self.write_fd = os.pipe()
        self.read_fd, from_browser = os.pipe()

        # The protocol is spoken on descriptors 3 and 4.
        def place_pipes():
            high = [os.dup2(fd, 100 + fd, inheritable=True) for fd in (to_browser, from_browser)]
            os.dup2(high[0], 3, inheritable=True)
            os.dup2(high[1], 4, inheritable=True)

        self.process = subprocess.Popen(
            [program, '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--remote-debugging-pipe',
             f'--user-data-dir={self.profile}', f'--window-size={width},{height}', 'about:blank'],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=place_pipes,
            close_fds=False)
        os.close(to_browser)
        os.close(from_browser)
        targets = self.call('Target.getTargets')['targetInfos']
        page = next(target for target in targets if target['type'] == 'page')
        self.session = None
        self.session = self.call('Target.attachToTarget', targetId=page['targetId'], flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Log', 'Network'):
            self.call(f'{domain}.enable')
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=False)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.write_fd)
        os.close(self.read_fd)
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, **parameters):
        self.number += 1
        message = {'id': self.number, 'method': method, 'params': parameters}
        if getattr(self, 'session', None):
            message['sessionId'] = self.session
        data = json.dumps(message).encode() + b'\0'
        while data:
            data = data[os.write(self.write_fd, data):]
        while True:
            answer = self.next_message()
            if answer.get('id') == self.number:
                if 'error' in answer:
                    raise RuntimeError(f'{method}: {answer["error"]}')
                return answer['result']

    def next_message(self):
        until = time.monotonic() + ANSWER_SECONDS_MAX
        while b'\0' not in self.bytes:
            ready, _, _ = select.select([self.read_fd], [], [], max(0, until - time.monotonic()))
            chunk = os.read(self.read_fd, 1 << 20) if ready else b''
            if not chunk:
                raise RuntimeError('the browser does not answer')
            self.bytes += chunk
        text, self.bytes = self.bytes.split(b'\0', 1)
        message = json.loads(text)
        self.note(message.get('method'), message.get('params', {}))
        return message

    def note(self, method, parameters):
        if method == 'Runtime.exceptionThrown':
            self.problems.append(json.dumps(parameters['exceptionDetails'])[:600])
        elif method == 'Runtime.consoleAPICalled' and parameters['type'] in ('error', 'warning', 'assert'):
            self.problems.append(json.dumps(parameters['args'])[:600])
        elif method == 'Log.entryAdded' and parameters['entry']['level'] == 'error':
            self.problems.append(parameters['entry']['text'])
        elif method == 'Network.requestWillBeSent':
            address = parameters['request']['url']
            if not address.startswith(('file:', 'data:', 'about:')):
                self.problems.append(f'a request to {address}')

    def open(self, path):
        self.call('Page.navigate', url=path.resolve().as_uri())
        self.wait('document.readyState === "complete" && location.protocol === "file:"')

    def run(self, expression):
        """The value of an expression in the page."""
        answer = self.call('Runtime.evaluate', expression=expression, returnByValue=True, awaitPromise=True)
        if 'exceptionDetails' in answer:
            raise AssertionError(f'{expression}: {json.dumps(answer["exceptionDetails"])[:600]}')
        return answer['result'].get('value')

    def wait(self, expression, seconds_max=20):
        until = time.monotonic() + seconds_max
        while not self.run(expression):
            if time.monotonic() > until:
                raise AssertionError(f'never true: {expression}')
        self.frame()

    def frame(self):
        """Until what was asked for is drawn."""
        self.run('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))')

    def click(self, x, y):
        for kind in ('mouseMoved', 'mousePressed', 'mouseReleased'):
            self.call('Input.dispatchMouseEvent', type=kind, x=x, y=y, button='left' if kind != 'mouseMoved' else 'none',
                      clickCount=1)
        self.frame()

    def wheel(self, x, y, delta):
        self.call('Input.dispatchMouseEvent', type='mouseWheel', x=x, y=y, deltaX=0, deltaY=delta)
        self.frame()

    def drag(self, x, y, by):
        self.call('Input.dispatchMouseEvent', type='mouseMoved', x=x, y=y)
        self.call('Input.dispatchMouseEvent', type='mousePressed', x=x, y=y, button='left', clickCount=1)
        for step in (0.3, 0.7, 1):
            self.call('Input.dispatchMouseEvent', type='mouseMoved', x=x + by * step, y=y, button='left', buttons=1)
        self.call('Input.dispatchMouseEvent', type='mouseReleased', x=x + by, y=y, button='left', clickCount=1)
        self.frame()

    def key(self, key):
        self.call('Input.dispatchKeyEvent', type='keyDown', key=key, text=key if len(key) == 1 else '')
        self.call('Input.dispatchKeyEvent', type='keyUp', key=key)
        self.frame()
