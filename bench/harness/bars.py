"""What Sluice has to reach, held against the medians of one run. A bar whose rows were not measured is left out."""
from .figures import dns, flows, forwards, latency, proxy, start, streamlink, tcp, udp


def judged(results):
    """[{what, measured, required, reached}]"""
    out = []
    sluice = lambda f, row, m: results.median(f, row, m, "sluice")  # noqa: E731

    def ratio(what, figure, row, metric, against, least=None, most=None, who="sluice"):
        ours = results.median(figure, row, metric, who)
        theirs = [v for v in (results.median(figure, row, metric, c) for c in against) if v]
        if ours is None or not theirs:
            return
        measured = ours / (max(theirs) if least else min(theirs))
        required = f"≥ {least}×" if least else f"≤ {most}×"
        out.append({"what": f"{what}: {row}", "measured": measured, "required": f"{required} {' and '.join(against)}", "reached": measured >= least if least else measured <= most})

    def plain(what, value, least):
        if value is not None:
            out.append({"what": what, "measured": value, "required": f"≥ {least}", "reached": value >= least})

    def capped(what, value, most, unit):
        if value is not None:
            out.append({"what": what, "measured": value, "required": f"≤ {most} {unit}", "reached": value <= most})

    for row in results.rows(tcp.ID, "gbps"):
        if "1 stream," in row and "both" not in row:
            ratio("throughput", tcp.ID, row, "gbps", ["ceiling"], least=0.95)
            ratio("throughput of the library's host stack", tcp.ID, row, "gbps", ["ceiling"], least=0.7, who="lan")
            ratio("throughput", tcp.ID, row, "gbps", ["slirp4netns", "pasta"], least=8 if "MTU 1500" in row else 1)
            ratio("CPU time", tcp.ID, row, "cpu_s_per_gb", ["ceiling"], most=1.15)
        elif "64 streams" in row:
            one, all64 = sluice(tcp.ID, row.replace("64 streams", "1 stream"), "gbps"), sluice(tcp.ID, row, "gbps")
            plain(f"64 streams beside one: {row}", all64 / one if one and all64 else None, 0.85)
            plain(f"fairness: {row}", sluice(tcp.ID, row, "fairness"), 0.95)
    for row in results.rows(latency.ID, "p50_us"):
        if "requests" in row:
            ratio("median", latency.ID, row, "p50_us", ["pasta"], most=1.1)
            ratio("99th percentile", latency.ID, row, "p99_us", ["pasta"], most=1.5)
        elif "connections" in row:
            ratio("rate", latency.ID, row, "per_s", ["pasta"], least=1)
    for row in results.rows(dns.ID, "p50_us"):
        if "a second" in row:
            capped(f"queries without an answer: {row}", sluice(dns.ID, row, "lost"), 0, "")
        else:
            ratio("median", dns.ID, row, "p50_us", ["dnsmasq"], most=2)
    for row in results.rows(proxy.ID, "share"):
        if not row.startswith("plain"):
            plain(f"percent of plain TCP: {row}", sluice(proxy.ID, row, "share"), 40)
    with_it, without = (sluice(proxy.ID, f"requests {how} the proxy", "p50_us") for how in ("through", "without"))
    if with_it and without:
        capped("added to the median request by the proxy", with_it - without, 1000, "µs")
    for row in results.rows(udp.ID, "per_s"):
        if row.startswith("64 bytes"):
            ratio("rate", udp.ID, row, "per_s", ["slirp4netns"], least=2)
            ratio("rate", udp.ID, row, "per_s", ["pasta"], least=1)
    for row in results.rows(forwards.ID, "gbps"):
        ratio("forward", forwards.ID, row, "gbps", ["rootlesskit", "pasta"], least=1)
        ratio("forward", forwards.ID, row, "gbps", ["loopback"], least=0.8)
    for row in results.rows(flows.ID, "rss_added_mb"):
        if row.startswith("10,000 idle"):
            capped("memory added: " + row, sluice(flows.ID, row, "rss_added_mb"), 64, "MB")
    for row in results.rows(streamlink.ID, "gbps"):
        plain("stream link, Gbit/s: " + row, sluice(streamlink.ID, row, "gbps"), 4 if "MTU 1500" in row else 12)
    capped("run -- true", sluice(start.ID, "a command that does nothing", "ms"), 200, "ms")
    capped("memory, fresh", sluice(start.ID, "memory, fresh", "rss_mb"), 60, "MB")
    for row in results.rows(start.ID, "wakeups_per_s"):
        capped(f"wake-ups: {row}", sluice(start.ID, row, "wakeups_per_s"), 2, "1/s")
    return out
