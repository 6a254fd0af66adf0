// The text trace: only the rows that can be seen exist, whatever the length.

const LIST_ROW = 19;
// Browsers draw no box that is higher than some 30 million pixels: 50,000 rows are 1 million.
const LIST_SPARE = 12;

class TraceList {
  constructor(box, callbacks) {
    this.box = box;
    this.callbacks = callbacks;  // select(line), hover(line)
    this.inner = el('div', {class: 'rows'});
    box.append(this.inner);
    this.shown = [];
    this.window = [0, 0];
    this.selected = -1;
    this.hovered = -1;
    this.wanted = false;
    box.addEventListener('scroll', () => this.redraw());
    box.addEventListener('keydown', (event) => this.onKey(event));
    this.inner.addEventListener('click', (event) => {
      const row = event.target.closest('.row');
      if (row) callbacks.select(Number(row.dataset.line));
    });
    this.inner.addEventListener('pointerover', (event) => {
      const row = event.target.closest('.row');
      callbacks.hover(row ? Number(row.dataset.line) : -1);
    });
    box.addEventListener('pointerleave', () => callbacks.hover(-1));
    new ResizeObserver(() => this.redraw()).observe(box);
  }

  show(model, shown) {
    this.model = model;
    this.shown = shown;
    this.inner.style.height = shown.length * LIST_ROW + 'px';
    this.redraw();
  }

  // Lines that the picture shows now: [first, last).
  showWindow(lines) {
    this.window = lines;
    this.redraw();
  }

  choose(line, isToBeSeen) {
    this.selected = line;
    if (isToBeSeen && line >= 0) this.reveal(line);
    this.redraw();
  }

  point(line) {
    if (this.hovered === line) return;
    this.hovered = line;
    this.redraw();
  }

  reveal(line) {
    const top = lowerBound(this.shown, line) * LIST_ROW;
    const {scrollTop, clientHeight} = this.box;
    if (top < scrollTop || top > scrollTop + clientHeight - LIST_ROW) this.box.scrollTop = top - clientHeight / 2;
  }

  redraw() {
    if (this.wanted || !this.model) return;
    this.wanted = true;
    requestAnimationFrame(() => {
      this.wanted = false;
      this.draw();
    });
  }

  draw() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / LIST_ROW) - LIST_SPARE);
    const last = Math.min(this.shown.length, first + Math.ceil(this.box.clientHeight / LIST_ROW) + 2 * LIST_SPARE);
    const rows = [];
    for (let i = first; i < last; ++i) rows.push(this.row(this.shown[i], i));
    this.inner.replaceChildren(...rows);
  }

  row(line, index) {
    const {lines, marked} = this.model;
    const kind = lines.kindOf(line);
    const place = lines.places[lines.place[line]];
    const classes = ['row', line === this.selected ? 'selected' : '', line === this.hovered ? 'hovered' : '',
                     marked.has(line) ? 'marked' : '',
                     line >= this.window[0] && line < this.window[1] ? '' : 'outside'].join(' ');
    const row = el('div', {class: classes, 'data-line': line, title: lines.text[line], style: 'top:' + index * LIST_ROW + 'px'},
        el('span', {class: 'at'}, seconds(lines.at[line])),
        el('span', {class: 'event'}, '#' + lines.event[line]),
        el('span', {class: 'who'}, lines.nodeOf(line) + (place ? '/' + place : '')),
        el('span', {class: 'kind'}, kind),
        el('span', {class: 'text'}, lines.text[line]));
    row.children[3].style.color = kindColour(kind);
    return row;
  }

  onKey(event) {
    const steps = {ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20};
    if (!(event.key in steps) || this.shown.length === 0) return;
    event.preventDefault();
    const now = this.selected < 0 ? 0 : lowerBound(this.shown, this.selected) + steps[event.key];
    this.callbacks.select(this.shown[Math.min(this.shown.length - 1, Math.max(0, now))]);
  }
}
