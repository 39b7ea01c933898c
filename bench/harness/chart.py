"""One SVG a figure: a panel for each row, a bar for each contender, a whisker from the smallest to the largest value."""
import statistics
from html import escape

from .results import brief

COLOURS = {"loopback": "#9aa5b1", "veth": "#7b8794", "ceiling": "#52606d", "slirp4netns": "#e0a458", "pasta": "#c8553d", "rootlesskit": "#8f6593", "gvproxy": "#6a994e", "lan": "#4ea8de", "sluice": "#1769aa"}
PANEL, LABEL, BAR, GAP, TOP, COLUMNS = 430, 92, 13, 5, 30, 2
FONT = 'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"'


def draw(results, figure, title, metric, heading, unit, better, contenders):
    rows = results.rows(figure, metric)
    data = {r: [(c, results.values[(figure, r, metric)][c]) for c in contenders if c in results.values[(figure, r, metric)]] for r in rows}
    if not rows:
        return None
    tall = TOP + max(map(len, data.values())) * (BAR + GAP) + 14
    width, height = COLUMNS * PANEL + 40, 74 + -(-len(rows) // COLUMNS) * tall + 16
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{escape(title)}" {FONT}>',
           f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
           f'<text x="20" y="32" font-size="20" font-weight="600" fill="#1f2933">{escape(title)}</text>',
           f'<text x="20" y="54" font-size="13" fill="#52606d">{escape(heading)}{escape(", " + unit if unit else "")}: {better} is better. Bars are medians; whiskers go from the smallest to the largest value.</text>']
    for i, r in enumerate(rows):
        out += panel(20 + i % COLUMNS * PANEL, 74 + i // COLUMNS * tall, r, data[r])
    return "\n".join([*out, "</svg>", ""])


def panel(x, y, row, bars):
    room = PANEL - LABEL - 90
    most = max((max(v) for _, v in bars), default=0) or 1
    out = [f'<text x="{x}" y="{y + 16}" font-size="13" font-weight="600" fill="#1f2933">{escape(row)}</text>',
           f'<line x1="{x + LABEL}" y1="{y + TOP - 5}" x2="{x + LABEL}" y2="{y + TOP + len(bars) * (BAR + GAP)}" stroke="#cbd2d9"/>']
    for i, (contender, values) in enumerate(bars):
        top = y + TOP + i * (BAR + GAP)
        middle = top + BAR / 2
        median, low, high = (f(values) / most * room for f in (statistics.median, min, max))
        weight = ' font-weight="600"' if contender == "sluice" else ""
        out += [f'<text x="{x + LABEL - 6}" y="{top + BAR - 2}" font-size="12" text-anchor="end" fill="#1f2933"{weight}>{escape(contender)}</text>',
                f'<rect x="{x + LABEL}" y="{top}" width="{max(median, 1):.1f}" height="{BAR}" rx="2" fill="{COLOURS.get(contender, "#829ab1")}"/>']
        if len(values) > 1:
            out.append(f'<path d="M{x + LABEL + low:.1f} {middle}H{x + LABEL + high:.1f}M{x + LABEL + low:.1f} {middle - 3}v6M{x + LABEL + high:.1f} {middle - 3}v6" stroke="#1f2933" stroke-width="1.2" fill="none"/>')
        out.append(f'<text x="{x + LABEL + max(high, median) + 6:.1f}" y="{top + BAR - 2}" font-size="12" fill="#3e4c59">{brief(statistics.median(values))}</text>')
    return out
