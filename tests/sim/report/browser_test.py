"""The report of real campaigns, opened from a file in a real headless browser and used as a person uses it."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import browser

BINARY = None
SCENARIOS = pathlib.Path(__file__).resolve().parents[3] / 'scenarios'
SKIPPED = 77


def campaign(folder, *arguments):
    completed = subprocess.run([BINARY, 'sim', 'run', *map(str, arguments), '--report', str(folder)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=200, check=False, text=True)
    page = folder / 'index.html'
    assert f'report: {page}' in completed.stdout, completed.stdout + completed.stderr
    return page


class Page(unittest.TestCase):
    """One page for all tests of a class: `make` says which."""
    browser = None

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix='odradek-report-'))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        page = cls.make(cls.folder)
        cls.browser = browser.Browser(browser.find())
        cls.addClassCleanup(cls.browser.close)
        cls.browser.open(page)
        cls.browser.wait('window.odradek !== undefined && odradek.state().lanes > 0')

    def setUp(self):
        self.browser.run('odradek.show(0)')
        self.browser.run('document.getElementById("picture").scrollIntoView({block: "start"}); scrollBy(0, -120)')
        self.browser.frame()

    def tearDown(self):
        self.assertEqual(self.browser.problems, [])

    def state(self):
        return self.browser.run('odradek.state()')

    def place(self, line):
        """Of a line's mark on the screen."""
        x, y = self.browser.run(f'odradek.placeOf({line})')
        left, top = self.browser.run(
            '(() => { const box = document.getElementById("picture").getBoundingClientRect(); return [box.left, box.top]; })()')
        return left + x, top + y

    def middle(self):
        return self.browser.run('(() => { const box = document.getElementById("picture").getBoundingClientRect();'
                                'return [box.left + box.width * 0.6, Math.max(box.top, 80) + 60]; })()')


class Failing(Page):
    @classmethod
    def make(cls, folder):
        """Crashes strike, and nothing has the time to come back."""
        text = (SCENARIOS / 'crash_loops_in_recovery.txtpb').read_text()
        assert 'liveness_ms: 120000' in text
        scenario = folder / 'failing.txtpb'
        scenario.write_text(text.replace('liveness_ms: 120000', 'liveness_ms: 1'))
        return campaign(folder / 'out', scenario, '--seeds', '1..3', '--jobs', 2)

    def test_the_verdict_and_the_commands_are_there(self):
        text = self.browser.run('document.body.innerText')
        self.assertIn('of 3 runs failed', text)
        self.assertRegex(text, r'odradek sim replay \S+ --seed \d')
        self.assertRegex(text, r'odradek sim shrink \S+ --seed \d')
        self.assertIn('liveness violation', text)

    def test_lanes_and_marks_are_drawn(self):
        state = self.state()
        self.assertGreaterEqual(state['lanes'], 3)
        self.assertGreater(state['marks'], 100)
        self.assertGreater(state['messages'], 20)
        colours = self.browser.run(
            '(() => { const c = document.getElementById("picture"); const d = c.getContext("2d").getImageData('
            '0, 0, c.width, c.height).data; const seen = new Set(); for (let i = 0; i < d.length; i += 4)'
            'seen.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]); return seen.size; })()')
        self.assertGreater(colours, 20)

    def test_a_click_on_a_mark_selects_its_line(self):
        line = self.browser.run(
            '(() => { const box = document.getElementById("picture").getBoundingClientRect();'
            'for (let i = 0; i < odradek.state().lines; ++i) { if (odradek.kindOf(i) !== "fault") continue;'
            'const [x, y] = odradek.placeOf(i); if (y > 0 && odradek.lineAt(x, y) === i && box.top + y < innerHeight) return i; }'
            'return -1; })()')
        self.assertGreaterEqual(line, 0)
        self.browser.click(*self.place(line))
        self.assertEqual(self.state()['selected'], line)
        row = self.browser.run('(() => { const r = document.querySelector("#trace .row.selected"); const b = r.getBoundingClientRect();'
                               'const t = document.getElementById("trace").getBoundingClientRect();'
                               'return [Number(r.dataset.line), b.top >= t.top && b.bottom <= t.bottom]; })()')
        self.assertEqual(row, [line, True])

    def test_a_click_on_a_line_selects_its_mark(self):
        self.browser.run('document.getElementById("trace").scrollTop = 2000')
        self.browser.frame()
        line, x, y = self.browser.run(
            '(() => { const t = document.getElementById("trace").getBoundingClientRect();'
            'const r = [...document.querySelectorAll("#trace .row")].find((one) => one.getBoundingClientRect().top > t.top + 40);'
            'const b = r.getBoundingClientRect(); return [Number(r.dataset.line), b.left + 20, b.top + 9]; })()')
        self.browser.click(x, y)
        self.assertEqual(self.state()['selected'], line)

    def test_the_wheel_zooms_at_the_pointer_and_a_drag_moves(self):
        before = self.state()['view']
        x, y = self.middle()
        self.browser.wheel(x, y, -600)
        zoomed = self.state()['view']
        self.assertLess(zoomed[1] - zoomed[0], (before[1] - before[0]) * 0.7)
        self.browser.drag(x, y, -150)
        moved = self.state()['view']
        self.assertGreater(moved[0], zoomed[0])
        self.assertAlmostEqual((moved[1] - moved[0]) / (zoomed[1] - zoomed[0]), 1, places=6)

    def test_keys_zoom_and_bring_the_whole_run_back(self):
        self.browser.run('document.getElementById("picture").focus({preventScroll: true})')
        before = self.state()['view']
        self.browser.key('+')
        self.browser.key('+')
        self.assertLess(self.state()['view'][1] - self.state()['view'][0], (before[1] - before[0]) * 0.5)
        self.browser.key('0')
        self.assertEqual(self.state()['view'], before)

    def test_chips_and_words_filter_picture_and_trace(self):
        all_lines = self.state()
        self.browser.run('document.querySelector(\'.chip[data-name="disk"]\').click()')
        self.browser.frame()
        without_disk = self.state()
        self.assertLess(without_disk['shown'], all_lines['shown'])
        self.assertLess(without_disk['marks'], all_lines['marks'])
        self.browser.run('(() => { const s = document.getElementById("search"); s.value = "booted";'
                         's.dispatchEvent(new Event("input")); })()')
        self.browser.frame()
        self.assertLess(self.state()['shown'], 200)
        texts = self.browser.run('[...document.querySelectorAll("#trace .row .text")].map((t) => t.textContent)')
        self.assertTrue(texts)
        self.assertTrue(all('booted' in text for text in texts), texts)

    def test_the_axis_can_count_lines(self):
        self.browser.run('(() => { const a = document.getElementById("axis"); a.value = "steps";'
                         'a.dispatchEvent(new Event("change")); })()')
        self.browser.frame()
        state = self.state()
        self.assertEqual(state['mode'], 'steps')
        self.assertLessEqual(state['view'][1], state['lines'] + 1)

    def test_only_the_rows_in_sight_exist(self):
        self.assertLess(self.browser.run('document.querySelectorAll("#trace .row").length'), 150)

    def test_dark_and_light(self):
        look = 'getComputedStyle(document.body).backgroundColor'
        before = self.browser.run(look)
        self.browser.run('document.getElementById("theme").click()')
        self.assertNotEqual(self.browser.run(look), before)


class Passing(Page):
    @classmethod
    def make(cls, folder):
        return campaign(folder / 'out', SCENARIOS / 'calm.txtpb', SCENARIOS / 'connections.txtpb', '--seeds', '1..3',
                        '--jobs', 2)

    def test_each_scenario_has_an_example(self):
        text = self.browser.run('document.body.innerText')
        self.assertIn('All 6 runs passed' if self.browser.run('odradek.data.exit_code') == 0 else 'No run failed, but', text)
        self.assertEqual([one['scenario'] for one in self.browser.run(
            'odradek.data.pictures.map((p) => ({scenario: p.scenario}))')], ['calm', 'connections'])
        self.browser.run('odradek.show(1)')
        self.browser.frame()
        self.assertGreater(self.state()['marks'], 100)

    def test_probes_and_properties_are_tables(self):
        self.assertGreater(self.browser.run('document.querySelectorAll("#probes .cell").length'), 10)
        self.assertGreater(self.browser.run('document.querySelectorAll("#probes .demanded").length'), 0)
        self.assertGreater(self.browser.run('document.querySelectorAll("#properties tbody tr").length'), 5)


def change_data(page, change):
    """Another page of the same parts, with other data."""
    text = page.read_text()
    found = re.search(r'(<script id="data" type="application/json">)(.*?)(</script>)', text, re.DOTALL)
    data = json.loads(found.group(2))
    change(data)
    page.write_text(text[:found.start(2)] + json.dumps(data).replace('<', '\\u003c') + text[found.end(2):])
    return page


class Violated(Page):
    """An engine without mistakes violates nothing: the finding is written into the data."""
    lines = 60_000

    @classmethod
    def make(cls, folder):
        return change_data(campaign(folder / 'out', SCENARIOS / 'connections.txtpb', '--seeds', '1'), cls.change)

    @classmethod
    def change(cls, data):
        picture = data['pictures'][0]
        trace = picture['trace']
        columns = ('at', 'event', 'node', 'place', 'kind', 'text')
        once = len(trace['at'])
        times = -(-cls.lines // once)
        for column in columns:
            trace[column] = trace[column] * times
        client = trace['kinds'].index('client')
        sends = [i for i in range(once) if trace['kind'][i] == client and ' sends ' in trace['text'][i]]
        at = sum(trace['at'][:sends[len(sends) // 2] + 1])
        picture['failed'] = True
        picture['findings'] = [{'property': 'H2', 'what': '<b>lost</b>', 'at': [str(at)],
                                'evidence': [f'{at // 10**9}.{at % 10**9:09}: client 1 sent it']}]

    def test_the_operations_of_the_violation_are_marked_and_selected(self):
        state = self.state()
        self.assertGreaterEqual(state['marked'], 1)
        self.assertIn('sends', self.browser.run('document.querySelector("#trace .row.selected.marked .text").textContent'))
        before = state['view']
        self.browser.run('[...document.querySelectorAll(".tools button")].find((b) => b.textContent === "violation").click()')
        self.assertLess(self.state()['view'][1] - self.state()['view'][0], before[1] - before[0])

    def test_a_line_of_the_evidence_leads_to_the_trace(self):
        self.browser.run('odradek.show(0)')
        first = self.state()['selected']
        self.browser.run('document.getElementById("picture").focus()')
        self.browser.key('Escape')
        self.assertEqual(self.state()['selected'], -1)
        self.browser.run('document.querySelector(".evidence button").click()')
        self.assertEqual(self.state()['selected'], first)

    def test_what_a_run_wrote_is_text(self):
        self.assertEqual(self.browser.run('document.querySelectorAll(".finding b").length'), 0)
        self.assertIn('<b>lost</b>', self.browser.run('document.querySelector(".finding").textContent'))

    def test_a_long_trace_is_no_burden(self):
        self.assertGreaterEqual(self.state()['lines'], self.lines)
        self.browser.run('document.getElementById("trace").scrollTop = 1e9')
        self.browser.frame()
        last = self.browser.run('Number([...document.querySelectorAll("#trace .row")].pop().dataset.line)')
        self.assertEqual(last, self.state()['lines'] - 1)
        self.assertLess(self.browser.run('document.querySelectorAll("#trace .row").length'), 150)


if __name__ == '__main__':
    if len(sys.argv) < 2:
        sys.exit(f'usage: {sys.argv[0]} PATH_OF_ODRADEK [unittest arguments]')
    BINARY = str(pathlib.Path(sys.argv.pop(1)).resolve())
    if browser.find() is None:
        print('skipped: there is no Chromium here (looked for ' + ', '.join(browser.NAMES) + '); tools/setup --browser installs one')
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
