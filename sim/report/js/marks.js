// Where everything stands in the picture, and how it looks. x comes from the view, y from lanes and their rows.

const GUTTER = 128;
const RULER = 34;
const ROW = 13;
const LANE_PAD = 5;

// Rows of a lane, from above; a lane has those of which it has lines.
const ROWS = [['network', 'wire'], ['fault', 'fault'], ['client', 'client'], ['observed', 'engine'], ['log', 'engine'],
              ['probe', 'engine'], ['message', 'engine'], ['disk', 'disk']];

function layOut(model) {
  let y = RULER;
  const faultRows = rowCounts(model.faults, model.lanes.length);
  const operationRows = rowCounts(model.operations, model.lanes.length);
  model.lanes.forEach((lane, index) => {
    lane.top = y;
    lane.rows = {};
    let at = y + LANE_PAD;
    for (const row of ['wire', 'fault', 'client', 'engine', 'disk']) {
      if (!ROWS.some(([kind, of]) => of === row && lane.kinds.has(kind))) continue;
      lane.rows[row] = at;
      at += row === 'fault' ? ROW * Math.max(1, faultRows[index])
          : row === 'client' ? 6 + 7 * Math.max(1, operationRows[index]) : ROW;
    }
    y = Math.max(at, lane.top + 22) + LANE_PAD;
    lane.bottom = y;
  });
  return y + 6;
}

function rowCounts(spans, laneCount) {
  const counts = new Array(laneCount).fill(0);
  for (const span of spans) counts[span.lane] = Math.max(counts[span.lane], span.row + 1);
  return counts;
}

// Middle of the row in which a line has its mark.
function rowOf(model, laneIndex, kind) {
  const lane = model.lanes[laneIndex];
  const known = ROWS.find(([of]) => of === kind);
  const top = known && lane.rows[known[1]];
  return top === undefined || top === false ? (lane.top + lane.bottom) / 2 : top + ROW / 2;
}

// One mark per line that belongs to a node; filled once.
function markPlaces(model) {
  const {lines} = model;
  const places = new Float32Array(lines.n).fill(-1);
  for (let i = 0; i < lines.n; ++i) {
    const lane = model.laneOf.get(lines.nodeOf(i));
    if (lane !== undefined) places[i] = rowOf(model, lane, lines.kindOf(i));
  }
  for (const phase of model.phases) places[phase.line] = 10;
  for (const fault of model.faults) places[fault.line] = model.lanes[fault.lane].rows.fault + fault.row * ROW + ROW / 2;
  for (const operation of model.operations) {
    const y = model.lanes[operation.lane].rows.client + 6 + operation.row * 7;
    places[operation.begin] = y;
    if (operation.finish >= 0) places[operation.finish] = y;
  }
  return places;
}

const LIFE_LOOK = {
  boot: ['boot', '▲'], crash: ['crash', '✕'], power: ['power', '⚡'], stop: ['stop', '■'], fatal: ['crash', '✕'],
  pause: ['pause', '‖'], resume: ['boot', '▸'], other: ['dim', '•'], over: ['line', ''],
};

function drawLanes(context, model, width, x) {
  model.lanes.forEach((lane, index) => {
    context.fillStyle = index % 2 ? palette.panel : palette.lane;
    context.fillRect(0, lane.top, width, lane.bottom - lane.top);
  });
  for (const span of model.life.spans) {
    const lane = model.lanes[span.lane];
    const from = Math.max(GUTTER, x.ofTime(span.from));
    const to = Math.min(width, x.ofTime(span.to));
    if (to <= from) continue;
    context.globalAlpha = span.state === 'up' ? 0.10 : 0.22;
    context.fillStyle = span.state === 'up' ? palette.boot : span.state === 'paused' ? palette.pause : palette.crash;
    context.fillRect(from, lane.top + 1, to - from, lane.bottom - lane.top - 2);
    context.globalAlpha = 1;
    if (span.state !== 'up' && to - from > 44) {
      context.fillStyle = palette.dim;
      context.font = '10px system-ui, sans-serif';
      context.fillText(span.state, (from + to) / 2 - 14, lane.bottom - 5);
    }
  }
}

function drawFaults(context, model, isShown, width, x) {
  context.font = '10px system-ui, sans-serif';
  const freeFrom = new Map();  // row of a lane -> where a name may begin
  for (const fault of model.faults) {
    if (!isShown(fault.line)) continue;
    const from = x.ofLine(fault.line);
    const to = Math.max(x.ofTime(fault.to), from + 4);
    if (to < GUTTER || from > width) continue;
    const y = model.lanes[fault.lane].rows.fault + fault.row * ROW;
    context.fillStyle = palette.fault;
    context.strokeStyle = palette.fault;
    context.globalAlpha = fault.isDone ? 0.35 : 0.12;
    context.fillRect(from, y + 1, to - from, ROW - 2);
    context.globalAlpha = 1;
    context.fillRect(from, y + 1, 2, ROW - 2);
    const name = fault.name + (fault.isDone ? '' : ' (not done)');
    const left = Math.max(from, GUTTER) + 5;
    if (left < (freeFrom.get(y) || 0)) continue;
    freeFrom.set(y, left + context.measureText(name).width + 4);
    context.fillStyle = palette.ink;
    context.fillText(name, left, y + ROW - 3);
  }
}

function drawMessages(context, model, isShown, width, x) {
  const visible = [];
  for (const message of model.messages) {
    if (!isShown(message.begin) && !(message.finish >= 0 && isShown(message.finish))) continue;
    const from = x.ofLine(message.begin);
    const to = message.finish >= 0 ? x.ofLine(message.finish) : from + 10;
    if (to >= GUTTER && from <= width) visible.push({message, from, to});
  }
  const isDense = visible.length > 400;
  for (const isLost of [false, true]) {
    context.strokeStyle = isLost ? palette.bad : palette.net;
    context.globalAlpha = isLost ? 0.9 : isDense ? 0.16 : 0.65;
    context.beginPath();
    for (const {message, from, to} of visible) {
      if ((message.finish < 0) !== isLost) continue;
      const y0 = rowOf(model, message.from, 'network');
      const y1 = rowOf(model, message.to, 'network');
      context.moveTo(from, y0);
      if (isLost) {
        context.lineTo(to, y0 + Math.sign(y1 - y0) * 9);
        continue;
      }
      context.lineTo(to, y1);
      if (isDense) continue;
      const angle = Math.atan2(y1 - y0, to - from);
      context.moveTo(to - 6 * Math.cos(angle - 0.4), y1 - 6 * Math.sin(angle - 0.4));
      context.lineTo(to, y1);
      context.lineTo(to - 6 * Math.cos(angle + 0.4), y1 - 6 * Math.sin(angle + 0.4));
    }
    context.stroke();
  }
  context.globalAlpha = 1;
  return visible.length;
}

const OUTCOME_COLOURS = {ok: 'client', fail: 'warn', unknown: 'bad', open: 'bad', read: 'observed'};

function drawOperations(context, model, isShown, width, x) {
  for (const operation of model.operations) {
    if (!isShown(operation.begin) && !(operation.finish >= 0 && isShown(operation.finish))) continue;
    const from = x.ofLine(operation.begin);
    const to = Math.max(operation.finish >= 0 ? x.ofLine(operation.finish) : width, from + 3);
    if (to < GUTTER || from > width) continue;
    const y = model.lanes[operation.lane].rows.client + 3 + operation.row * 7;
    context.fillStyle = palette[OUTCOME_COLOURS[operation.outcome] || 'client'];
    context.globalAlpha = operation.outcome === 'open' ? 0.25 : 0.85;
    context.fillRect(from, y, to - from, 5);
    context.globalAlpha = 1;
    if (!operation.isMarked) continue;
    context.strokeStyle = palette.mark;
    context.lineWidth = 2;
    context.strokeRect(from - 2, y - 2, to - from + 4, 9);
    context.lineWidth = 1;
  }
}

// Everything that is a point: disk operations, what was observed, log lines, probes, ends of streams.
function drawPoints(context, model, places, isShown, width, x) {
  const {lines} = model;
  let drawn = 0;
  const [first, last] = x.visibleLines();
  for (let i = first; i < last; ++i) {
    if (places[i] < 0 || !isShown(i)) continue;
    const kind = lines.kindOf(i);
    ++drawn;
    if (kind === 'client' || kind === 'fault' || kind === 'node' || kind === 'run') continue;
    const at = x.ofLine(i);
    const text = lines.text[i];
    context.fillStyle = kindColour(kind);
    if (kind === 'disk') {
      const isBad = model.badDisk.has(i);
      context.fillStyle = isBad ? palette.bad : palette.disk;
      const isSync = text.startsWith('sync');
      const height = isBad || isSync ? 11 : text.startsWith('write') ? 8 : 5;
      context.fillRect(at - 0.5, places[i] + 6 - height, isSync || isBad ? 2.5 : 1.5, height);
    } else if (kind === 'log') {
      context.fillStyle = /^(?:error|fatal)/.test(text) ? palette.bad : /^warn/.test(text) ? palette.warn : palette.log;
      context.fillRect(at - 2.5, places[i] - 2.5, 5, 5);
    } else if (kind === 'network') {
      if (/reset|refused|unreachable|timed out|corrupted/.test(text)) context.fillStyle = palette.bad;
      context.fillRect(at - 1, places[i] - 2, 2, 4);
    } else {
      context.fillRect(at - 1, places[i] - (kind === 'probe' ? 3 : 5), 2, kind === 'probe' ? 4 : 7);
    }
  }
  return drawn;
}

function drawLife(context, model, isShown, width, x) {
  for (const {line, lane, what} of model.life.events) {
    const at = x.ofLine(line);
    if (!isShown(line) || at < GUTTER || at > width) continue;
    const [colour, sign] = LIFE_LOOK[what];
    const {top, bottom} = model.lanes[lane];
    context.fillStyle = palette[colour];
    context.fillRect(at - 1, top + 1, 2, bottom - top - 2);
    if (sign === '') continue;
    context.beginPath();
    context.arc(at, (top + bottom) / 2, 7, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = palette.bg;
    context.font = 'bold 9px system-ui, sans-serif';
    context.textAlign = 'center';
    context.fillText(sign, at, (top + bottom) / 2 + 3);
    context.textAlign = 'start';
  }
}

// Phases of the run stand over all lanes.
function drawPhases(context, model, width, height, x) {
  context.font = '10px system-ui, sans-serif';
  let free = 0;
  for (const phase of model.phases) {
    const at = x.ofLine(phase.line);
    if (at < GUTTER || at > width) continue;
    context.strokeStyle = palette.run;
    context.globalAlpha = 0.5;
    context.setLineDash([3, 4]);
    context.beginPath();
    context.moveTo(at + 0.5, RULER - 4);
    context.lineTo(at + 0.5, height);
    context.stroke();
    context.setLineDash([]);
    context.globalAlpha = 1;
    if (!phase.isNamed) continue;
    const size = context.measureText(phase.name).width;
    const left = Math.min(at + 3, width - size - 2);
    if (left < free) continue;
    free = left + size + 8;
    context.fillStyle = palette.run;
    context.fillText(phase.name, left, 12);
  }
}

function drawMarked(context, model, places, width, height, x) {
  context.fillStyle = palette.mark;
  for (const line of model.markedSorted) {
    const at = x.ofLine(line);
    if (at < GUTTER || at > width) continue;
    context.globalAlpha = 0.35;
    context.fillRect(at - 0.5, RULER, 1, height - RULER);
    context.globalAlpha = 1;
    context.beginPath();
    context.moveTo(at - 5, RULER - 9);
    context.lineTo(at + 5, RULER - 9);
    context.lineTo(at, RULER - 1);
    context.fill();
    if (places[line] > 0) context.fillRect(at - 3, places[line] - 3, 6, 6);
  }
}
