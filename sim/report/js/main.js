// Puts the page together. What stands in the address after # is left to the browser.

const data = JSON.parse(document.getElementById('data').textContent);
let viewer = null;
setUpTheme(() => {
  if (viewer === null || !viewer.model) return;
  viewer.picture.redraw();
  viewer.list.redraw();
});
fillVerdict(data);
fillScenarios(data, (index) => viewer.show(index));
fillProbes(data);
fillProperties(data);
fillTimes(data);
if (data.pictures.length > 0) {
  viewer = new Viewer(document.querySelector('#runs .body'), data);
  viewer.show(0);
} else {
  document.querySelector('#runs .body').append(el('p', {class: 'dim'}, 'There is no run to draw.'));
}

// For tests and for the console of whoever looks closer.
window.odradek = {
  data,
  state: () => ({
    lanes: viewer.picture.drawn.lanes, marks: viewer.picture.drawn.marks, messages: viewer.picture.drawn.messages,
    selected: viewer.picture.selected, view: viewer.picture.view, shown: viewer.shown.length, lines: viewer.model.lines.n,
    marked: viewer.model.markedSorted.length, index: viewer.index, mode: viewer.picture.mode,
  }),
  show: (index) => viewer.show(index),
  // Where a line has its mark, from the corner of the picture.
  placeOf: (line) => [viewer.picture.scale().ofLine(line), viewer.picture.places[line]],
  lineAt: (x, y) => viewer.picture.lineAt(x, y),
  kindOf: (line) => viewer.model.lines.kindOf(line),
};
