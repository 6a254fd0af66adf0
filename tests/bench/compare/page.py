"""What was measured, as JSON that is kept and as the page that is made of it."""
import json
import statistics


def spread(values):
    return f'{number(statistics.median(values))} ({number(min(values))}–{number(max(values))})'


def number(value):
    if abs(value) >= 1000:
        return f'{value:,.0f}'
    return f'{value:.3g}'


def merge(path, name, result):
    """Rows that were not measured now keep what they had."""
    everything = json.loads(path.read_text()) if path.exists() else {}
    everything[name] = result
    path.write_text(json.dumps(dict(sorted(everything.items())), indent=1, ensure_ascii=False) + '\n')
    return everything


def ratio_of(figure, windows):
    """The median of the ratios of the pairs: what the machine did meanwhile met both halves of a pair."""
    pairs = list(zip(windows['odradek'], windows.get('kafka', [])))
    if not pairs:
        return None
    return statistics.median(ours[figure.key] / theirs[figure.key] for ours, theirs in pairs)


def cells(figure, windows):
    ours = [window[figure.key] for window in windows['odradek']]
    theirs = [window[figure.key] for window in windows.get('kafka', [])]
    ratio = ratio_of(figure, windows)
    reached = figure.reached(ratio) if ratio is not None else None
    verdict = {None: '', True: 'reached', False: '**not reached**'}[reached]
    shown = '' if ratio is None else number(ratio) if ratio >= 1 else f'1/{number(1 / ratio)}'
    return [figure.unit, spread(theirs) if theirs else '–', spread(ours), shown, figure.wanted(), verdict]


def render(rows, everything):
    lines = ['# Speed beside Apache Kafka', '',
             'Made by `tests/bench/compare/run`; the figures of every window are in `speed.json` beside this page.',
             'Medians, in parentheses the smallest and the largest; the ratio is the median of the ratios of the pairs.',
             'CPU is user + system time of the broker\'s process.', '',
             '| row | figure | Kafka | Odradek | ratio | wanted | |', '|---|---|---|---|---|---|---|']
    notes = []
    for name, row in rows.items():
        if name not in everything:
            continue
        result = everything[name]
        for i, figure in enumerate(row.figures):
            head = name if i == 0 else ''
            lines.append('| ' + ' | '.join([head, *cells(figure, result['windows'])]) + ' |')
        pairs = len(result['windows']['odradek'])
        alone = f'; Odradek alone: {result["kafka_missing"]}' if result.get('kafka_missing') else ''
        notes.append(f'- **{name}**: {row.what}. {pairs} windows each, commit `{result["commit"]}`, {result["date"]}, '
                     f'`{result["command"]}`, append canary {number(result["canary_mb_per_s"])} MB/s{alone}. '
                     f'{result["machine"]}.')
    return '\n'.join([*lines, '', *notes, ''])
