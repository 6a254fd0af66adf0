// Text of numbers and times, and elements of the page. Nothing of the data ever becomes markup.

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'class') node.className = value;
    else node.setAttribute(name, value === true ? '' : value);
  }
  for (const child of children.flat()) {
    if (child === undefined || child === null || child === false) continue;
    node.append(child);
  }
  return node;
}

const groups = new Intl.NumberFormat('en-US');
function count(n) {
  return groups.format(n);
}

function shortCount(n) {
  if (n < 1000) return String(n);
  if (n < 1e6) return (n / 1e3).toFixed(n < 1e4 ? 1 : 0) + 'k';
  return (n / 1e6).toFixed(n < 1e7 ? 1 : 0) + 'M';
}

// "12.345678901", as the text trace writes it.
function seconds(ns) {
  const whole = Math.floor(ns / 1e9);
  return whole + '.' + String(Math.round(ns - whole * 1e9)).padStart(9, '0');
}

function duration(ns) {
  if (ns < 1e3) return ns + ' ns';
  if (ns < 1e6) return (ns / 1e3).toPrecision(3) + ' µs';
  if (ns < 1e9) return (ns / 1e6).toPrecision(3) + ' ms';
  if (ns < 6e11) return (ns / 1e9).toFixed(ns < 1e11 ? 2 : 0) + ' s';
  return count(Math.round(ns / 6e10)) + ' min';
}

function plural(n, noun) {
  return count(n) + ' ' + noun + (n === 1 ? '' : 's');
}

// A command in one line with a button that copies it.
function commandLine(label, command) {
  const code = el('code', {}, command);
  const button = el('button', {
    type: 'button', class: 'copy', onclick: () => {
      copyText(command, code);
      button.textContent = 'copied';
      setTimeout(() => { button.textContent = 'copy'; }, 1200);
    },
  }, 'copy');
  return el('div', {class: 'command'}, el('span', {class: 'label'}, label), code, button);
}

// A page from a file may have no clipboard: then the text is selected.
function copyText(text, element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = window.getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
  if (navigator.clipboard && window.isSecureContext) navigator.clipboard.writeText(text).catch(() => {});
  else document.execCommand('copy');
}
