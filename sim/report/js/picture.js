// The picture: a canvas with a view that is zoomed and moved, and an overview of the whole run above it.

class Picture {
  constructor(canvas, overview, callbacks) {
    this.canvas = canvas;
    this.overview = overview;
    this.callbacks = callbacks;  // select(line), hover(line, event), moved()
    this.mode = 'time';
    this.selected = -1;
    this.hovered = -1;
    this.drawn = {marks: 0, messages: 0, lanes: 0};
    this.wanted = false;
    this.listen();
  }

  show(model, isShown) {
    this.model = model;
    this.isShown = isShown;
    this.height = layOut(model);
    this.places = markPlaces(model);
    this.selected = -1;
    this.hovered = -1;
    this.canvas.style.height = this.height + 'px';
    this.fit();
  }

  // The axis: virtual time, or one step per line of the trace, which shows what is busy for an instant.
  setMode(mode) {
    if (mode === this.mode) return;
    const {lines} = this.model;
    const first = this.visibleLines()[0];
    const last = Math.max(first, this.visibleLines()[1] - 1);
    this.mode = mode;
    this.view = mode === 'time' ? [lines.at[first], lines.at[last]] : [first, last];
    this.setView(this.view[0], this.view[1]);
  }

  extent() {
    const {lines} = this.model;
    if (this.mode === 'steps') return [-1, Math.max(1, lines.n)];
    const margin = Math.max(1, this.model.end * 0.01);
    return [-margin, this.model.end + margin];
  }

  unitOfTime(at) {
    return this.mode === 'time' ? at : lowerBound(this.model.lines.at, at);
  }
  unitOfLine(line) {
    return this.mode === 'time' ? this.model.lines.at[line] : line;
  }

  fit() {
    const [from, to] = this.extent();
    this.setView(from, to);
  }

  setView(from, to) {
    const [least, most] = this.extent();
    const narrowest = this.mode === 'time' ? 100 : 4;
    let width = Math.min(Math.max(to - from, narrowest), most - least);
    let start = (from + to - width) / 2;
    start = Math.min(Math.max(start, least), most - width);
    this.view = [start, start + width];
    this.redraw();
    this.callbacks.moved();
  }

  zoom(factor, atPixel) {
    const [from, to] = this.view;
    const share = Math.min(1, Math.max(0, (atPixel - GUTTER) / (this.width() - GUTTER)));
    const middle = from + share * (to - from);
    this.setView(middle - (middle - from) * factor, middle + (to - middle) * factor);
  }

  move(share) {
    const [from, to] = this.view;
    const by = share * (to - from);
    const [least, most] = this.extent();
    const bounded = Math.min(Math.max(by, least - from), most - to);
    this.setView(from + bounded, to + bounded);
  }

  // Lines around these ones fill the view.
  zoomTo(lines) {
    if (lines.length === 0) return;
    const units = lines.map((line) => this.unitOfLine(line));
    const from = Math.min(...units);
    const to = Math.max(...units);
    const margin = Math.max((to - from) * 0.15, this.mode === 'time' ? 2e6 : 30);
    this.setView(from - margin, to + margin);
  }

  width() {
    return this.canvas.clientWidth || 600;
  }

  // Moves the view only if the line is out of it.
  reveal(line) {
    const unit = this.unitOfLine(line);
    const [from, to] = this.view;
    if (unit >= from && unit <= to) return;
    this.setView(unit - (to - from) / 2, unit + (to - from) / 2);
  }

  visibleLines() {
    const {lines} = this.model;
    const [from, to] = this.view;
    if (this.mode === 'steps') return [Math.max(0, Math.floor(from)), Math.min(lines.n, Math.ceil(to) + 1)];
    return [lowerBound(lines.at, from), lowerBound(lines.at, to + 1)];
  }

  scale() {
    const width = this.width();
    const [from, to] = this.view;
    const factor = (width - GUTTER) / (to - from);
    return {
      ofTime: (at) => GUTTER + (this.unitOfTime(at) - from) * factor,
      ofLine: (line) => GUTTER + (this.unitOfLine(line) - from) * factor,
      visibleLines: () => this.visibleLines(),
    };
  }

  redraw() {
    if (this.wanted || !this.model) return;
    this.wanted = true;
    requestAnimationFrame(() => {
      this.wanted = false;
      this.draw();
    });
  }

  prepare(canvas, height) {
    const ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth || 600;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const context = canvas.getContext('2d');
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return context;
  }

  draw() {
    const {model, places, isShown} = this;
    const width = this.width();
    const context = this.prepare(this.canvas, this.height);
    const x = this.scale();
    context.fillStyle = palette.bg;
    context.fillRect(0, 0, width, this.height);
    drawLanes(context, model, width, x);
    context.save();
    context.beginPath();
    context.rect(GUTTER, 0, width - GUTTER, this.height);
    context.clip();
    this.drawRuler(context, width);
    drawPhases(context, model, width, this.height, x);
    this.drawn.messages = drawMessages(context, model, isShown, width, x);
    drawFaults(context, model, isShown, width, x);
    drawOperations(context, model, isShown, width, x);
    this.drawn.marks = drawPoints(context, model, places, isShown, width, x);
    drawLife(context, model, isShown, width, x);
    drawMarked(context, model, places, width, this.height, x);
    this.drawChosen(context, x);
    context.restore();
    this.drawLabels(context);
    this.drawn.lanes = model.lanes.length;
    this.drawOverview();
  }

  drawRuler(context, width) {
    const [from, to] = this.view;
    const wanted = (to - from) / Math.max(2, (width - GUTTER) / 110);
    const power = Math.pow(10, Math.floor(Math.log10(wanted)));
    const step = Math.max(this.mode === 'steps' ? 1 : 0, [1, 2, 5, 10].find((n) => n * power >= wanted) * power);
    context.font = '10px ui-monospace, monospace';
    for (let at = Math.ceil(Math.max(0, from) / step) * step; at <= to; at += step) {
      const pixel = GUTTER + (at - from) / (to - from) * (width - GUTTER);
      context.fillStyle = palette.line;
      context.fillRect(pixel, RULER - 4, 1, this.height);
      context.fillStyle = palette.dim;
      const digits = Math.min(9, Math.max(0, 9 - Math.floor(Math.log10(step) + 1e-9)));
      context.fillText(this.mode === 'time' ? (at / 1e9).toFixed(digits) + ' s' : 'line ' + at, pixel + 3, RULER - 6);
    }
  }

  drawLabels(context) {
    context.font = '600 12px system-ui, sans-serif';
    for (const lane of this.model.lanes) {
      context.fillStyle = palette.ink;
      context.fillText(shorten(context, lane.name, GUTTER - 14), 8, lane.top + 16);
      context.fillStyle = palette.line;
      context.fillRect(0, lane.bottom, this.width(), 1);
    }
    context.font = '9px system-ui, sans-serif';
    context.fillStyle = palette.dim;
    const names = {wire: 'messages', fault: 'faults', client: 'operations', engine: 'engine', disk: 'disk'};
    for (const lane of this.model.lanes) {
      for (const [row, top] of Object.entries(lane.rows)) {
        if (top < lane.top + 8 && lane.name.length > 8) continue;
        context.textAlign = 'end';
        context.fillText(names[row], GUTTER - 6, top + 10);
        context.textAlign = 'start';
      }
    }
  }

  drawChosen(context, x) {
    for (const [line, colour] of [[this.hovered, palette.dim], [this.selected, palette.accent]]) {
      if (line < 0) continue;
      const at = x.ofLine(line);
      context.fillStyle = colour;
      context.fillRect(at - 0.5, RULER - 4, 1.5, this.height);
      if (this.places[line] < 0) continue;
      context.strokeStyle = colour;
      context.lineWidth = 2;
      context.beginPath();
      context.arc(at, this.places[line], 7, 0, 2 * Math.PI);
      context.stroke();
      context.lineWidth = 1;
    }
  }

  drawOverview() {
    const {model} = this;
    const height = 34;
    const context = this.prepare(this.overview, height);
    const width = this.overview.clientWidth || 600;
    const [least, most] = this.extent();
    const scale = (unit) => GUTTER + (unit - least) / (most - least) * (width - GUTTER);
    const bins = new Uint32Array(Math.max(1, Math.ceil((width - GUTTER) / 2)));
    for (let i = 0; i < model.lines.n; ++i) {
      if (this.isShown(i)) ++bins[Math.min(bins.length - 1, Math.floor((scale(this.unitOfLine(i)) - GUTTER) / 2))];
    }
    const highest = Math.log1p(Math.max(1, ...bins));
    context.fillStyle = palette.dim;
    bins.forEach((n, bin) => {
      const size = Math.log1p(n) / highest * (height - 8);
      if (n > 0) context.fillRect(GUTTER + bin * 2, height - size, 1.5, size);
    });
    context.fillStyle = palette.fault;
    for (const fault of model.faults) context.fillRect(scale(this.unitOfLine(fault.line)), 0, 2, 5);
    context.fillStyle = palette.mark;
    for (const line of model.markedSorted) context.fillRect(scale(this.unitOfLine(line)) - 1, 0, 3, height);
    const from = scale(this.view[0]);
    const to = Math.max(from + 3, scale(this.view[1]));
    context.fillStyle = palette.accent;
    context.globalAlpha = 0.18;
    context.fillRect(from, 0, to - from, height);
    context.globalAlpha = 1;
    context.strokeStyle = palette.accent;
    context.strokeRect(from + 0.5, 0.5, to - from - 1, height - 1);
    context.fillStyle = palette.dim;
    context.font = '10px system-ui, sans-serif';
    context.fillText('whole run', 8, 21);
  }

  // The line whose mark is nearest to a pixel, or -1.
  lineAt(px, py) {
    const x = this.scale();
    let best = -1;
    let bestDistance = 10 * 10;
    const consider = (line, dx, dy) => {
      const distance = dx * dx + dy * dy;
      if (distance < bestDistance) {
        best = line;
        bestDistance = distance;
      }
    };
    const [first, last] = this.visibleLines();
    for (let i = first; i < last; ++i) {
      if (this.places[i] >= 0 && this.isShown(i)) consider(i, x.ofLine(i) - px, this.places[i] - py);
    }
    for (const {line, lane, what} of this.model.life.events) {
      const {top, bottom} = this.model.lanes[lane];
      if (what !== 'over' && this.isShown(line)) consider(line, x.ofLine(line) - px, (top + bottom) / 2 - py);
    }
    if (best >= 0) return best;
    const within = (span, line, y, height) => this.isShown(line) && py >= y && py <= y + height &&
        px >= x.ofTime(span.from) && px <= x.ofTime(span.to);
    for (const operation of this.model.operations) {
      const y = this.model.lanes[operation.lane].rows.client + 2 + operation.row * 7;
      if (within(operation, operation.begin, y, 7)) return operation.begin;
    }
    for (const fault of this.model.faults) {
      const y = this.model.lanes[fault.lane].rows.fault + fault.row * ROW;
      if (within(fault, fault.line, y, ROW)) return fault.line;
    }
    return -1;
  }

  listen() {
    const {canvas, overview} = this;
    let drag = null;
    const local = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    canvas.addEventListener('wheel', (event) => {
      event.preventDefault();
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.move(event.deltaX / this.width());
      else this.zoom(Math.exp(event.deltaY * 0.0016), local(event)[0]);
    }, {passive: false});
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      drag = {x: event.clientX, view: [...this.view], hasMoved: false};
    });
    canvas.addEventListener('pointermove', (event) => {
      const [px, py] = local(event);
      if (drag === null) {
        this.hover(this.lineAt(px, py), event);
        return;
      }
      const by = event.clientX - drag.x;
      if (Math.abs(by) > 3) drag.hasMoved = true;
      if (!drag.hasMoved) return;
      const units = by / (this.width() - GUTTER) * (drag.view[1] - drag.view[0]);
      const [least, most] = this.extent();
      const bounded = Math.min(Math.max(-units, least - drag.view[0]), most - drag.view[1]);
      this.setView(drag.view[0] + bounded, drag.view[1] + bounded);
    });
    canvas.addEventListener('pointerup', (event) => {
      const wasClick = drag !== null && !drag.hasMoved;
      drag = null;
      if (!wasClick) return;
      const line = this.lineAt(...local(event));
      if (line >= 0) this.callbacks.select(line);
    });
    canvas.addEventListener('pointercancel', () => { drag = null; });
    canvas.addEventListener('pointerleave', (event) => this.hover(-1, event));
    canvas.addEventListener('dblclick', (event) => this.zoom(0.25, local(event)[0]));
    canvas.addEventListener('keydown', (event) => this.onKey(event));
    const jump = (event) => {
      const box = overview.getBoundingClientRect();
      const [least, most] = this.extent();
      const unit = least + (event.clientX - box.left - GUTTER) / (box.width - GUTTER) * (most - least);
      const half = (this.view[1] - this.view[0]) / 2;
      this.setView(unit - half, unit + half);
    };
    overview.addEventListener('pointerdown', (event) => {
      overview.setPointerCapture(event.pointerId);
      jump(event);
    });
    overview.addEventListener('pointermove', (event) => { if (event.buttons & 1) jump(event); });
    new ResizeObserver(() => this.redraw()).observe(canvas);
  }

  hover(line, event) {
    if (line === this.hovered) return;
    this.hovered = line;
    this.canvas.style.cursor = line >= 0 ? 'pointer' : 'grab';
    this.callbacks.hover(line, event);
    this.redraw();
  }

  onKey(event) {
    const actions = {
      '+': () => this.zoom(0.6, this.width() / 2), '=': () => this.zoom(0.6, this.width() / 2),
      '-': () => this.zoom(1 / 0.6, this.width() / 2), '0': () => this.fit(),
      'ArrowLeft': () => this.move(-0.15), 'ArrowRight': () => this.move(0.15),
      'n': () => this.callbacks.next(1), 'p': () => this.callbacks.next(-1),
      'Escape': () => this.callbacks.select(-1),
    };
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in actions)) return;
    event.preventDefault();
    actions[event.key]();
  }
}

function shorten(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let size = text.length;
  while (size > 3 && context.measureText(text.slice(0, size) + '…').width > width) --size;
  return text.slice(0, size) + '…';
}
