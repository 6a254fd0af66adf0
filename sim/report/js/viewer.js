// One run at a time: what it violated, how to repeat it, the picture, the trace beside it, and the filter of both.

class Viewer {
  constructor(box, data) {
    this.data = data;
    this.models = new Map();
    this.hiddenKinds = new Set();
    this.hiddenNodes = new Set();
    this.words = '';
    this.onlyMarked = false;
    this.build(box);
    this.picture = new Picture(this.canvas, this.overview, {
      select: (line) => this.select(line),
      hover: (line, event) => this.hoverInPicture(line, event),
      moved: () => this.tellWindow(),
      next: (step) => this.selectMarked(step),
    });
    this.list = new TraceList(this.listBox, {
      select: (line) => this.select(line),
      hover: (line) => this.hoverInList(line),
    });
  }

  build(box) {
    this.picker = el('div', {class: 'picker', role: 'tablist'});
    this.head = el('div', {class: 'runhead'});
    this.kindChips = el('div', {class: 'chips'});
    this.nodeChips = el('div', {class: 'chips'});
    this.search = el('input', {
      type: 'search', id: 'search', placeholder: 'filter: text, or /expression/', 'aria-label': 'filter lines by text',
      oninput: () => { this.words = this.search.value; this.filter(); },
    });
    this.markedOnly = el('input', {
      type: 'checkbox', onchange: () => { this.onlyMarked = this.markedOnly.checked; this.filter(); }});
    this.told = el('span', {class: 'dim small', id: 'told'});
    const button = (name, title, action) => el('button', {type: 'button', title, onclick: action}, name);
    this.axis = el('select', {
      id: 'axis', 'aria-label': 'what the axis counts', onchange: () => this.picture.setMode(this.axis.value)},
      el('option', {value: 'time'}, 'axis: virtual time'), el('option', {value: 'steps'}, 'axis: one step per line'));
    this.canvas = el('canvas', {id: 'picture', tabindex: '0', 'aria-label': 'nodes as lanes over virtual time'});
    this.overview = el('canvas', {id: 'overview', 'aria-hidden': 'true'});
    this.listBox = el('div', {id: 'trace', tabindex: '0', 'aria-label': 'text trace'});
    this.tip = el('div', {class: 'tip', hidden: true});
    this.detail = el('div', {class: 'detail'});
    box.append(
        this.picker, this.head,
        el('div', {class: 'tools'}, button('+', 'Zoom in (+ or wheel)', () => this.picture.zoom(0.5, this.picture.width() / 2)),
           button('−', 'Zoom out (− or wheel)', () => this.picture.zoom(2, this.picture.width() / 2)),
           button('all', 'The whole run (0)', () => this.picture.fit()),
           this.markButton = button('violation', 'To what the violated property was seen on',
                                    () => this.picture.zoomTo(this.model.markedSorted)),
           button('‹', 'Previous mark (p)', () => this.selectMarked(-1)),
           button('›', 'Next mark (n)', () => this.selectMarked(1)), this.axis, this.search,
           el('label', {class: 'check'}, this.markedOnly, 'only marked'), this.told),
        el('div', {class: 'filters'}, this.kindChips, this.nodeChips),
        el('div', {class: 'split'},
           el('div', {class: 'left'}, this.overview, this.canvas, this.detail, legend()),
           el('div', {class: 'right'}, this.listBox)),
        this.tip);
    this.data.pictures.forEach((picture, index) => this.picker.append(el('button', {
      type: 'button', role: 'tab', class: picture.failed ? 'failed' : '', onclick: () => this.show(index)},
      el('strong', {}, (picture.failed ? '✕ ' : '✓ ') + picture.scenario), ' seed ' + picture.seed,
      picture.failed ? el('span', {class: 'small'}, ' ' + wayToFail(picture)) : el('span', {class: 'dim small'}, ' example'))));
    if (this.data.failures_left_out > 0) {
      this.picker.append(el('span', {class: 'dim'}, 'and ' + plural(this.data.failures_left_out, 'more failure') +
          ' without a picture: the table on the terminal and --json have them all'));
    }
  }

  show(index) {
    this.index = index;
    const picture = this.data.pictures[index];
    if (!this.models.has(index)) this.models.set(index, buildModel(picture));
    this.model = this.models.get(index);
    [...this.picker.children].forEach((tab, i) => tab.setAttribute('aria-selected', String(i === index)));
    this.fillHead(picture);
    this.hiddenKinds.clear();
    this.hiddenNodes.clear();
    this.onlyMarked = this.markedOnly.checked = false;
    this.words = this.search.value = '';
    this.picture.mode = this.axis.value = 'time';
    this.markButton.disabled = this.model.markedSorted.length === 0;
    this.fillChips(this.kindChips, this.model.lines.kinds, this.hiddenKinds, kindColour);
    this.fillChips(this.nodeChips, this.model.lanes.map((lane) => lane.name), this.hiddenNodes, () => palette.ink);
    this.applyFilter();
    this.picture.show(this.model, (line) => this.isShown[line] === 1);
    this.list.show(this.model, this.shown);
    this.listBox.scrollTop = 0;
    this.tellWindow();
    this.select(this.model.markedSorted.length > 0 ? this.model.markedSorted[0] : picture.died ? this.model.lines.n - 1 : -1);
  }

  fillHead(picture) {
    const {trace} = picture;
    const left = [];
    if (trace.cut_lines > 0) left.push(plural(trace.cut_lines, 'older line'));
    if (trace.fiber_lines > 0) left.push(plural(trace.fiber_lines, 'line') + ' about slices of fibers');
    this.head.replaceChildren(
        el('h3', {}, picture.scenario, ' · seed ', picture.seed, ' · ',
           el('span', {class: picture.failed ? 'badtext' : 'goodtext'}, picture.verdict)),
        el('p', {class: 'dim small'}, count(picture.events), ' events, ', duration(picture.virtual_ns), ' of virtual time, ',
           plural(this.model.lines.n, 'line'), left.length > 0 ? ' (left out: ' + left.join(', ') + ')' : '', ' · hash ',
           el('code', {}, picture.hash)),
        ...picture.findings.map((finding) => this.findingBox(finding)),
        picture.died ? el('p', {class: 'finding'}, 'The repeated run ended early: ', picture.died,
                          '. The trace goes up to there.') : '',
        picture.crash_text ? el('pre', {class: 'crash'}, picture.crash_text) : '',
        commandLine('repeat', picture.replay),
        picture.shrink ? commandLine('shrink', picture.shrink) : '',
        picture.verdict === 'nondeterminism' ? commandLine('compare', picture.replay.replace(' sim replay ', ' sim diff ')) : '',
        picture.setup ? el('details', {}, el('summary', {}, 'what the seed drew'), el('pre', {}, picture.setup)) : '');
  }

  findingBox(finding) {
    const property = this.data.properties.find((one) => one.id === finding.property.split(' ')[0]);
    return el('div', {class: 'finding'}, el('p', {}, el('strong', {}, finding.property), ' ', finding.what),
        property ? el('p', {class: 'dim small'}, 'must be true: ', property.sentence) : null,
        finding.evidence.length > 0 ? el('details', {open: finding.evidence.length <= 12},
            el('summary', {}, plural(finding.evidence.length, 'operation') + ' and events it was seen on'),
            el('ol', {class: 'evidence'}, finding.evidence.map((line) => this.evidenceLine(line)))) : null);
  }

  // A time at its beginning leads to the trace.
  evidenceLine(text) {
    const at = /^(\d+)\.(\d{9})/.exec(text);
    if (!at) return el('li', {}, text);
    return el('li', {}, el('button', {type: 'button', class: 'link', onclick: () => {
      const {lines} = this.model;
      const time = Number(at[1]) * 1e9 + Number(at[2]);
      const line = Math.min(lines.n - 1, lowerBound(lines.at, time));
      const same = this.model.markedSorted.find((marked) => lines.at[marked] === time);
      this.select(same === undefined ? line : same);
    }}, text));
  }

  fillChips(box, names, hidden, colourOf) {
    const chips = names.filter((name) => name !== '').map((name) => {
      const chip = el('button', {type: 'button', class: 'chip', 'aria-pressed': 'true', 'data-name': name,
        title: 'Click: show or hide. Double click: this one only.'}, el('i', {}), name);
      chip.firstChild.style.background = colourOf(name);
      const set = (isOn) => {
        if (isOn) hidden.delete(name); else hidden.add(name);
        chip.setAttribute('aria-pressed', String(isOn));
      };
      chip.addEventListener('click', () => {
        set(hidden.has(name));
        this.filter();
      });
      chip.addEventListener('dblclick', () => {
        for (const other of chips) {
          if (other === chip) hidden.delete(name); else hidden.add(other.dataset.name);
          other.setAttribute('aria-pressed', String(other === chip));
        }
        this.filter();
      });
      return chip;
    });
    box.replaceChildren(...chips);
  }

  applyFilter() {
    const {lines, marked} = this.model;
    const matches = matcher(this.words);
    this.isShown = new Uint8Array(lines.n);
    this.shown = [];
    for (let i = 0; i < lines.n; ++i) {
      if (this.hiddenKinds.has(lines.kindOf(i)) || this.hiddenNodes.has(lines.nodeOf(i))) continue;
      if (this.onlyMarked && !marked.has(i)) continue;
      if (matches !== null && !matches(lines.text[i])) continue;
      this.isShown[i] = 1;
      this.shown.push(i);
    }
  }

  filter() {
    this.applyFilter();
    this.list.show(this.model, this.shown);
    if (this.picture.selected >= 0) this.list.reveal(this.picture.selected);
    this.picture.redraw();
    this.tellWindow();
  }

  tellWindow() {
    if (!this.list.model) return;
    const [from, to] = this.picture.view;
    this.list.showWindow(this.picture.visibleLines());
    const width = this.picture.mode === 'time' ? duration(to - from) : plural(Math.round(to - from), 'step');
    this.told.textContent = width + ' in view · ' + count(this.shown.length) + ' of ' + plural(this.model.lines.n, 'line');
  }

  select(line) {
    this.picture.selected = line;
    if (line >= 0) this.picture.reveal(line);
    this.picture.redraw();
    this.list.choose(line, true);
    this.detail.textContent = line < 0 ? 'Click a mark or a line of the trace.' : lineText(this.model.lines, line);
  }

  selectMarked(step) {
    const marked = this.model.markedSorted;
    if (marked.length === 0) return;
    const now = lowerBound(marked, this.picture.selected);
    const next = step > 0 ? (marked[now] === this.picture.selected ? now + 1 : now) : now - 1;
    this.select(marked[(next + marked.length) % marked.length]);
  }

  hoverInPicture(line, event) {
    this.list.point(line);
    this.tip.hidden = line < 0;
    if (line < 0) return;
    this.tip.textContent = lineText(this.model.lines, line);
    const left = Math.min(event.clientX + 14, window.innerWidth - Math.min(520, this.tip.offsetWidth) - 12);
    this.tip.style.left = Math.max(4, left) + 'px';
    this.tip.style.top = event.clientY + 18 + 'px';
  }

  hoverInList(line) {
    this.list.point(line);
    this.picture.hovered = line;
    this.picture.redraw();
  }
}

function lineText(lines, line) {
  const place = lines.places[lines.place[line]];
  return seconds(lines.at[line]) + ' s  #' + lines.event[line] + '  ' + lines.nodeOf(line) + (place ? '/' + place : '') + '  ' +
      lines.kindOf(line) + ': ' + lines.text[line];
}

// null: everything matches.
function matcher(words) {
  if (words === '') return null;
  const expression = /^\/(.+)\/$/.exec(words);
  if (expression) {
    try {
      const pattern = new RegExp(expression[1], 'i');
      return (text) => pattern.test(text);
    } catch {
      return () => false;
    }
  }
  const lower = words.toLowerCase();
  return (text) => text.toLowerCase().includes(lower);
}

function wayToFail(picture) {
  const properties = [...new Set(picture.findings.map((finding) => finding.property))];
  return properties.length > 0 ? properties.join(', ') : picture.verdict;
}

function legend() {
  const one = (name, text) => el('span', {}, el('i', {style: 'background:var(--' + name + ')'}), text);
  return el('div', {class: 'legend'}, one('boot', 'up, boots'), one('crash', 'crash'), one('power', 'power loss'),
      one('stop', 'clean stop'), one('pause', 'paused'), one('net', 'message'), one('bad', 'lost, error, unknown outcome'),
      one('fault', 'fault'), one('client', 'operation, ok'), one('disk', 'disk: read < write < sync'),
      one('observed', 'observed'), one('probe', 'probe'), one('log', 'log'), one('mark', 'violated property'),
      el('span', {class: 'dim'}, 'wheel: zoom · drag: move · keys + − 0 ← → n p'));
}
