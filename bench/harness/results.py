"""Values as they come, and what is made of them: medians and ranges, JSON, Markdown."""
import statistics


class Record:
    """Keeps the values of one figure and contender; handed to its measure()."""

    def __init__(self, results, figure, contender, repetition):
        self.results, self.figure, self.contender, self.repetition = results, figure, contender, repetition

    def __call__(self, row, **values):
        for metric, value in values.items():
            if value is not None:
                self.results.values.setdefault((self.figure, row, metric), {}).setdefault(self.contender, []).append(value)

    def failed(self, row, why):
        self.results.failures.append({"figure": self.figure, "row": row, "contender": self.contender, "why": why})

    def note(self, text):
        self.results.notes.append({"figure": self.figure, "contender": self.contender, "note": text})


class Results:
    def __init__(self):
        self.values = {}  # (figure, row, metric) -> contender -> one value a repetition
        self.failures = []
        self.notes = []

    def rows(self, figure, metric):
        return [row for f, row, m in self.values if (f, m) == (figure, metric)]

    def median(self, figure, row, metric, contender):
        found = self.values.get((figure, row, metric), {}).get(contender)
        return statistics.median(found) if found else None

    def flat(self):
        return [{"figure": f, "row": row, "metric": metric, "contender": contender, "median": round(statistics.median(v), 4), "min": round(min(v), 4), "max": round(max(v), 4),
                 "values": [round(x, 4) for x in v]} for (f, row, metric), by in self.values.items() for contender, v in by.items()]


def brief(x):
    """Three significant digits, and no more zeros than that."""
    if x >= 1000:
        return f"{x:,.0f}"
    return f"{x:.0f}" if x >= 100 else f"{x:.1f}" if x >= 10 else f"{x:.2f}" if x >= 0.1 or x == 0 else f"{x:.3f}"


def cell(values):
    if not values:
        return "–"
    middle, low, high = statistics.median(values), min(values), max(values)
    return brief(middle) if len(values) == 1 else f"{brief(middle)} <sub>{brief(low)}…{brief(high)}</sub>"


def table(results, figure, metric, heading, unit, contenders):
    rows = results.rows(figure, metric)
    there = [c for c in contenders if any(c in results.values[(figure, r, metric)] for r in rows)]
    if not there:
        return ""
    lines = [f"**{heading}**{', ' + unit if unit else ''}", "", "| | " + " | ".join(there) + " |", "|---|" + "---:|" * len(there)]
    lines += [f"| {r} | " + " | ".join(cell(results.values[(figure, r, metric)].get(c)) for c in there) + " |" for r in rows]
    return "\n".join(lines) + "\n"


def markdown(results, figures, contenders, machine, options, bars, drawn):
    load = machine["load average before"]
    out = ["# Sluice beside its peers, measured", "", f"Made by `bench/run` on {machine['date']}; see [the method and every option](../../bench/README.md).", ""]
    if machine["busy"]:
        out += [f"> **The machine was busy when this began (load average {load}): judge by ratios, and again on a quiet one.**", ""]
    out += ["| | |", "|---|---|", *(f"| {k} | {v} |" for k, v in machine.items() if k not in ("busy", "peers")), ""]
    out += ["| contender | version | what it is |", "|---|---|---|", *(f"| {c.name} | {machine['peers'].get(c.name, '')} | {c.about} |" for c in contenders), ""]
    out += [f"Each value is the median of up to {options.repetitions} interleaved repetitions of {options.seconds:g} s (`latency`: of three slices each), its smallest and largest behind it; `results.json` has them all.", ""]
    for f in figures:
        tables = [t for metric, heading, unit, _ in f.TABLES if (t := table(results, f.ID, metric, heading, unit, [c.name for c in contenders]))]
        if tables:
            out += [f"## {f.TITLE}", ""]
            if f.ID in drawn:
                out += [f"![{f.TITLE}]({f.ID}.svg)", ""]
            out += tables
    if bars:
        out += ["## What is to be reached", "", "| | measured | required | |", "|---|---:|---:|---|", *(f"| {b['what']} | {brief(b['measured'])} | {b['required']} | {'reached' if b['reached'] else '**missed**'} |" for b in bars), ""]
    if results.failures:
        out += ["## What could not be measured", "", *(f"* {x['contender']}, {x['row']}: {x['why']}" for x in results.failures), ""]
    if results.notes:
        out += ["## Notes", "", *(f"* {x['contender']}: {x['note']}" for x in results.notes), ""]
    return "\n".join(out)
