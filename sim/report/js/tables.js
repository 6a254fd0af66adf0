// The parts of the page that are text: verdict, scenarios, probes, properties, notable runs.

function fillVerdict(data) {
  const runs = data.scenarios.reduce((sum, scenario) => sum + scenario.runs, 0);
  const failed = data.scenarios.reduce((sum, scenario) => sum + scenario.failed, 0);
  const missing = data.scenarios.flatMap(
      (scenario) => scenario.probes.filter((probe) => probe.demanded && probe.hits === 0)
                        .map((probe) => scenario.name + ': ' + probe.name));
  const virtual = data.scenarios.reduce((sum, scenario) => sum + scenario.virtual_ns, 0);
  const isGood = data.exit_code === 0;
  const section = document.getElementById('verdict');
  section.classList.add(isGood ? 'good' : 'bad');
  let headline = 'All ' + plural(runs, 'run') + ' passed';
  if (failed > 0) headline = count(failed) + ' of ' + plural(runs, 'run') + ' failed';
  else if (!isGood && missing.length > 0) {
    headline = 'No run failed, but ' + plural(missing.length, 'demanded probe') + ' never reached';
  }
  section.append(
      el('div', {class: 'headline'}, el('span', {class: 'sign', 'aria-hidden': 'true'}, isGood ? '✓' : '✕'),
         el('h1', {}, headline)),
      el('p', {class: 'dim'}, plural(data.scenarios.length, 'scenario'), ' · ', duration(virtual), ' of virtual time',
         ' · exit code ', String(data.exit_code), ' · hash over all runs ', el('code', {}, data.hash)),
      commandLine('this campaign', data.command));
  if (missing.length > 0) {
    const words = isGood ? 'Demanded, and not reached by so few runs: ' : 'Never reached though demanded: ';
    section.append(el('p', {class: isGood ? 'dim' : 'missing'}, words, missing.join(', ')));
  }
  if (data.vacuous.length > 0) {
    section.append(el('p', {class: 'dim'}, 'Judged nothing: ', data.vacuous.join(', ')));
  }
}

function table(heads, rows) {
  return el('div', {class: 'scroll'}, el('table', {},
      el('thead', {}, el('tr', {}, heads.map(([name, kind]) => el('th', {class: kind}, name)))),
      el('tbody', {}, rows)));
}

function fillScenarios(data, show) {
  const rows = data.scenarios.map((scenario) => {
    const index = data.pictures.findIndex((picture) => picture.scenario === scenario.name);
    const verdicts = Object.entries(scenario.verdicts).filter(([name]) => name !== 'pass')
                         .map(([name, runs]) => name + (runs > 1 ? ' × ' + runs : '')).join(', ');
    const missing = scenario.probes.filter((probe) => probe.demanded && probe.hits === 0).length;
    return el('tr', {class: scenario.failed > 0 ? 'failed' : ''},
        el('td', {}, index >= 0 ? el('a', {href: '#runs', onclick: () => show(index)}, scenario.name) : scenario.name,
           el('div', {class: 'dim small'}, scenario.description)),
        el('td', {class: 'number'}, count(scenario.runs)),
        el('td', {class: 'number'}, scenario.failed > 0 ? el('strong', {class: 'badtext'}, count(scenario.failed)) : '0',
           verdicts ? el('div', {class: 'small badtext'}, verdicts) : null),
        el('td', {class: 'number'}, count(scenario.events)),
        el('td', {class: 'number'}, duration(scenario.virtual_ns)),
        el('td', {class: 'number'}, count(Math.round(scenario.virtual_ns / Math.max(1, scenario.wall_ns))) + '×'),
        el('td', {class: 'number'}, count(scenario.probes.filter((probe) => probe.hits > 0).length),
           missing > 0 ? el('div', {class: 'small badtext'}, count(missing) + ' missing') : null));
  });
  const sum = (value) => data.scenarios.reduce((total, scenario) => total + value(scenario), 0);
  if (rows.length > 1) {
    const virtual = sum((scenario) => scenario.virtual_ns);
    const names = new Set(data.scenarios.flatMap(
        (scenario) => scenario.probes.filter((probe) => probe.hits > 0).map((probe) => probe.name)));
    rows.push(el('tr', {class: 'total'}, [
      'all', count(sum((scenario) => scenario.runs)), count(sum((scenario) => scenario.failed)), count(sum((scenario) => scenario.events)), duration(virtual),
      count(Math.round(virtual / Math.max(1, sum((scenario) => scenario.wall_ns)))) + '×', count(names.size)]
        .map((text, i) => el('td', {class: i > 0 ? 'number' : ''}, text))));
  }
  document.querySelector('#scenarios .body').append(table(
      [['scenario'], ['runs', 'number'], ['failed', 'number'], ['events', 'number'], ['virtual time', 'number'],
       ['speed-up', 'number'], ['probes', 'number']], rows));
}

function fillProbes(data) {
  const names = [...new Set(data.scenarios.flatMap((scenario) => scenario.probes.map((probe) => probe.name)))].sort();
  const tallies = data.scenarios.map((scenario) => new Map(scenario.probes.map((probe) => [probe.name, probe])));
  const most = Math.max(1, ...data.scenarios.flatMap((scenario) => scenario.probes.map((probe) => probe.hits)));
  const rows = names.map((name) => el('tr', {}, el('th', {class: 'probe', scope: 'row'}, name),
      tallies.map((probes, index) => {
        const probe = probes.get(name) || {hits: 0, runs: 0, demanded: false};
        const classes = ['cell', probe.demanded ? 'demanded' : '', probe.hits === 0 ? 'never' : ''].join(' ');
        const cell = el('td', {
          class: classes,
          title: data.scenarios[index].name + ': ' + name + (probe.demanded ? ' (demanded)' : '') + '\n' +
              (probe.hits === 0 ? 'never reached' : count(probe.hits) + ' hits in ' + plural(probe.runs, 'run')),
        }, probe.hits > 0 ? shortCount(probe.hits) : probe.demanded ? 'never' : '·');
        if (probe.hits > 0) cell.style.setProperty('--heat', String(Math.log1p(probe.hits) / Math.log1p(most)));
        return cell;
      })));
  const heads = [['probe'], ...data.scenarios.map((scenario) => [el('span', {}, scenario.name), 'slant'])];
  document.querySelector('#probes .body').append(
      el('p', {class: 'dim'}, 'How often each place was reached. A frame: the scenario demands it. ',
         'Red: demanded and never reached.'),
      el('div', {class: 'matrix'}, table(heads, rows)));
}

function fillProperties(data) {
  const most = Math.max(1, ...data.properties.map((property) => property.facts));
  const order = new Intl.Collator('en', {numeric: true});
  data.properties.sort((a, b) => order.compare(a.id, b.id));
  const rows = data.properties.map((property) => el('tr', {class: property.violations > 0 ? 'failed' : ''},
      el('td', {}, el('strong', {}, property.id)), el('td', {}, property.sentence),
      el('td', {class: 'number'}, property.facts > 0 ? count(property.facts) : el('strong', {class: 'badtext'}, 'none')),
      el('td', {class: 'barcell'}, el('div', {class: 'bar', style: 'width:' + (100 * property.facts / most).toFixed(1) + '%'})),
      el('td', {class: 'number'}, property.violations > 0 ? el('strong', {class: 'badtext'}, count(property.violations)) : '0')));
  document.querySelector('#properties .body').append(
      table([['id'], ['what must be true'], ['facts', 'number'], [''], ['violations', 'number']], rows));
}

function fillTimes(data) {
  const list = (title, runs) => el('div', {}, el('h3', {}, title), table(
      [['scenario'], ['seed', 'number'], ['wall', 'number'], ['cpu', 'number'], ['virtual', 'number'], ['events', 'number']],
      runs.map((run) => el('tr', {class: run.verdict === 'pass' ? '' : 'failed'},
          el('td', {}, run.scenario, run.twice ? el('span', {class: 'dim', title: 'was run twice and compared'}, ' ×2') : null),
          el('td', {class: 'number'}, run.seed), el('td', {class: 'number'}, duration(run.wall_ns)),
          el('td', {class: 'number'}, duration(run.cpu_ns)), el('td', {class: 'number'}, duration(run.virtual_ns)),
          el('td', {class: 'number'}, count(run.events))))));
  document.querySelector('#times .body').append(list('Slowest by the wall clock', data.slowest),
                                                list('Longest in virtual time', data.longest));
}
