// Light and dark: the reader's system decides until the button is pressed.

const palette = {};

function readPalette() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ['bg', 'panel', 'ink', 'dim', 'line', 'lane', 'accent', 'good', 'bad', 'warn', 'boot', 'crash', 'power',
                      'stop', 'pause', 'net', 'disk', 'client', 'observed', 'probe', 'log', 'fault', 'node', 'run', 'mark']) {
    palette[name] = style.getPropertyValue('--' + name).trim();
  }
}

function setUpTheme(onChange) {
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  const update = () => {
    readPalette();
    onChange();
  };
  dark.addEventListener('change', update);
  document.getElementById('theme').addEventListener('click', () => {
    const root = document.documentElement;
    const now = root.dataset.theme || (dark.matches ? 'dark' : 'light');
    root.dataset.theme = now === 'dark' ? 'light' : 'dark';
    update();
  });
  readPalette();
}

const KIND_COLOURS = {
  run: 'run', node: 'node', fault: 'fault', network: 'net', disk: 'disk', message: 'net', log: 'log', observed: 'observed',
  probe: 'probe', client: 'client',
};
function kindColour(kind) {
  return palette[KIND_COLOURS[kind] || 'dim'];
}
