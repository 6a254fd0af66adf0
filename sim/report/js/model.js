// From the lines of a trace to what is drawn: lanes, marks of lines, messages, operations, spans of faults and of life.

// The index of the first element that is not below the value.
function lowerBound(sorted, value) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function decodeTrace(trace) {
  const n = trace.at.length;
  const lines = {
    n, nodes: trace.nodes, kinds: trace.kinds, places: trace.places, node: trace.node, kind: trace.kind,
    place: trace.place, text: trace.text, at: new Float64Array(n), event: new Float64Array(n),
  };
  let at = 0;
  let event = 0;
  for (let i = 0; i < n; ++i) {
    lines.at[i] = at += trace.at[i];
    lines.event[i] = event += trace.event[i];
  }
  lines.kindOf = (i) => lines.kinds[lines.kind[i]];
  lines.nodeOf = (i) => lines.nodes[lines.node[i]];
  return lines;
}

function buildModel(picture) {
  const lines = decodeTrace(picture.trace);
  const model = {picture, lines, end: lines.n > 0 ? lines.at[lines.n - 1] : 0, healed: Infinity};
  for (let i = 0; i < lines.n; ++i) {
    if (lines.kindOf(i) === 'fault' && lines.text[i] === 'everything is healed') model.healed = lines.at[i];
  }
  model.lanes = buildLanes(lines);
  model.laneOf = new Map(model.lanes.map((lane, index) => [lane.name, index]));
  model.life = buildLife(model);
  model.faults = buildFaults(model);
  model.badDisk = new Set();
  for (let i = 0; i < lines.n; ++i) {
    if (lines.kindOf(i) === 'disk' && /[\w)]: [a-z][a-z ]*$/.test(lines.text[i])) model.badDisk.add(i);
  }
  model.phases = buildPhases(lines);
  model.messages = buildMessages(model);
  model.operations = buildOperations(model);
  model.marked = markedLines(model);
  for (const operation of model.operations) {
    operation.isMarked = model.marked.has(operation.begin) || model.marked.has(operation.finish);
    if (operation.isMarked) {
      model.marked.add(operation.begin);
      if (operation.finish >= 0) model.marked.add(operation.finish);
    }
  }
  model.markedSorted = [...model.marked].sort((a, b) => a - b);
  return model;
}

// Nodes with disks are servers and come first; otherwise in the order in which they appear.
function buildLanes(lines) {
  const lanes = new Map();
  for (let i = 0; i < lines.n; ++i) {
    const name = lines.nodeOf(i);
    if (name === '') continue;
    if (!lanes.has(name)) lanes.set(name, {name, kinds: new Set(), count: 0});
    const lane = lanes.get(name);
    lane.kinds.add(lines.kindOf(i));
    ++lane.count;
  }
  const all = [...lanes.values()];
  return [...all.filter((lane) => lane.kinds.has('disk')), ...all.filter((lane) => !lane.kinds.has('disk'))];
}

const LIFE = [
  [/^booted/, 'boot'], [/^lost its power/, 'power'], [/^crashed/, 'crash'], [/^(?:exited|shut)/, 'stop'],
  [/^(?:ended itself|fatal)/, 'fatal'], [/^paused/, 'pause'], [/^resumed/, 'resume'],
];

// Events of life, and the spans between them: up, paused, down.
function buildLife(model) {
  const {lines} = model;
  const life = {events: [], spans: []};
  const states = model.lanes.map(() => ({state: 'off', since: 0}));
  let isOver = false;
  const change = (lane, state, at) => {
    const now = states[lane];
    if (now.state !== 'off' && at > now.since) life.spans.push({lane, state: now.state, from: now.since, to: at});
    states[lane] = {state, since: at};
  };
  for (let i = 0; i < lines.n; ++i) {
    const kind = lines.kindOf(i);
    if (kind === 'run' && lines.text[i] === 'end') isOver = true;
    if (kind !== 'node' || !model.laneOf.has(lines.nodeOf(i))) continue;
    const known = LIFE.find(([pattern]) => pattern.test(lines.text[i]));
    const what = known ? known[1] : 'other';
    const lane = model.laneOf.get(lines.nodeOf(i));
    // The world is taken down when the run is over.
    life.events.push({line: i, lane, what: isOver ? 'over' : what});
    if (what === 'boot' || what === 'resume') change(lane, 'up', lines.at[i]);
    else if (what === 'pause') change(lane, 'paused', lines.at[i]);
    else if (what !== 'other') change(lane, isOver ? 'off' : 'down', lines.at[i]);
  }
  model.lanes.forEach((_, lane) => change(lane, 'off', model.end));
  return life;
}

const AT_ONCE = new Set(['crash', 'power_loss', 'restart', 'reset_connections', 'half_close', 'clock_step']);

// Faults with their spans, packed into rows where they overlap.
function buildFaults(model) {
  const {lines} = model;
  const faults = [];
  for (let i = 0; i < lines.n; ++i) {
    if (lines.kindOf(i) !== 'fault' || !model.laneOf.has(lines.nodeOf(i))) continue;
    const parts = /^event (\d+) ([^:]+): (\w+)(.*)$/.exec(lines.text[i]);
    if (!parts) continue;
    const [, , result, action, rest] = parts;
    const length = /\bduration_ns: (\d+)/.exec(rest);
    const disk = /\bkind: (\w+)/.exec(rest);
    const from = lines.at[i];
    let to = from;
    if (result === 'done' && !AT_ONCE.has(action)) {
      to = Math.min(length ? from + Number(length[1]) : model.end, model.healed, model.end);
    }
    const name = action === 'disk' ? 'disk: ' + (disk ? disk[1] : 'READ_ERROR').toLowerCase().replace(/_/g, ' ')
                                   : action.replace(/_/g, ' ');
    faults.push({line: i, lane: model.laneOf.get(lines.nodeOf(i)), from, to: Math.max(from, to), name,
                 isDone: result === 'done'});
  }
  packRows(faults, model.lanes.length, 3);
  return faults;
}

// Gives each span the first row of its lane that is free; the last row takes what is left.
function packRows(spans, laneCount, rowsMax) {
  const ends = Array.from({length: laneCount}, () => []);
  for (const span of spans) {
    const rows = ends[span.lane];
    let row = rows.findIndex((end) => end <= span.from);
    if (row < 0) row = Math.min(rows.length, rowsMax - 1);
    rows[row] = Math.max(rows[row] || 0, span.to);
    span.row = row;
  }
  return ends.map((rows) => rows.length);
}

function buildPhases(lines) {
  const phases = [];
  for (let i = 0; i < lines.n; ++i) {
    if (lines.kindOf(i) === 'run' || (lines.kindOf(i) === 'fault' && lines.nodeOf(i) === '')) {
      phases.push({line: i, name: lines.text[i], isNamed: !lines.text[i].startsWith('event ')});
    }
  }
  return phases;
}

// Pairs what was sent with what was received: bytes of one direction of a stream arrive in order.
function buildMessages(model) {
  const {lines, laneOf} = model;
  const messages = [];
  const flights = new Map();  // "stream from to" -> messages under way
  const forget = (stream, names) => {
    flights.delete(stream + '|' + names[0] + '|' + names[1]);
    flights.delete(stream + '|' + names[1] + '|' + names[0]);
  };
  for (let i = 0; i < lines.n; ++i) {
    if (lines.kindOf(i) !== 'network') continue;
    const parts = /^stream (\d+) with (.*):(\d+): (.*)$/.exec(lines.text[i]);
    if (!parts) continue;
    const [, stream, peer, , what] = parts;
    const here = lines.nodeOf(i);
    if (!laneOf.has(here) || !laneOf.has(peer)) continue;
    const bytes = /^(sent|received) (\d+) bytes$/.exec(what);
    if (!bytes) {
      if (what === 'connected' || what.startsWith('connection') || what.includes('reset')) forget(stream, [here, peer]);
      continue;
    }
    if (bytes[1] === 'sent') {
      const message = {begin: i, finish: -1, from: laneOf.get(here), to: laneOf.get(peer), left: Number(bytes[2]),
                       bytes: Number(bytes[2])};
      const key = stream + '|' + here + '|' + peer;
      if (!flights.has(key)) flights.set(key, []);
      flights.get(key).push(message);
      messages.push(message);
      continue;
    }
    const flight = flights.get(stream + '|' + peer + '|' + here) || [];
    let arrived = Number(bytes[2]);
    while (arrived > 0 && flight.length > 0) {
      const taken = Math.min(arrived, flight[0].left);
      flight[0].left -= taken;
      arrived -= taken;
      if (flight[0].left > 0) break;
      flight.shift().finish = i;
    }
  }
  return messages;
}

// Sends of clients from their beginning to their end; other operations have one line only.
function buildOperations(model) {
  const {lines, laneOf} = model;
  const operations = [];
  const open = new Map();
  for (let i = 0; i < lines.n; ++i) {
    if (lines.kindOf(i) !== 'client' || !laneOf.has(lines.nodeOf(i))) continue;
    const begin = /^client (\d+) sends (\d+) to /.exec(lines.text[i]);
    const end = begin ? null : /^client (\d+) value (\d+) (\w+)/.exec(lines.text[i]);
    if (end && open.has(end[1] + ' ' + end[2])) {
      const operation = open.get(end[1] + ' ' + end[2]);
      operation.finish = i;
      operation.to = lines.at[i];
      operation.outcome = end[3];
      continue;
    }
    const operation = {begin: i, finish: begin ? -1 : i, lane: laneOf.get(lines.nodeOf(i)), from: lines.at[i],
                       to: begin ? model.end : lines.at[i], outcome: begin ? 'open' : 'read', isMarked: false};
    if (begin) open.set(begin[1] + ' ' + begin[2], operation);
    operations.push(operation);
  }
  packRows(operations, model.lanes.length, 4);
  return operations;
}

// The lines at the times that the violated properties name: those of clients if there are any at that time.
function markedLines(model) {
  const {lines} = model;
  const marked = new Set();
  for (const finding of model.picture.findings) {
    for (const text of finding.at) {
      const at = Number(text);
      const there = [];
      for (let i = lowerBound(lines.at, at); i < lines.n && lines.at[i] === at; ++i) there.push(i);
      const best = ['client', 'observed', 'node'].map((kind) => there.filter((i) => lines.kindOf(i) === kind))
                       .find((some) => some.length > 0);
      for (const i of best || there) marked.add(i);
    }
  }
  return marked;
}
