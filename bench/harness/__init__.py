"""The side-by-side measurements.

Theory of operation. `bench/run` starts itself again in a network and a mount namespace of its own: the *host*. There stand the
servers (iperf3, `load serve`, a name server) on the loopback, an uplink with a default route that leads nowhere, and a resolv.conf
that names 127.0.0.1. Nobody else's traffic is there. Each measurement makes a *guest*: a user and network namespace held open by a
sleeping process, or what a contender makes itself. A contender is started for it, contacted once, given traffic to warm up with,
measured, and ended. A *figure* is a set of measurements: rows, each with several values per contender. The repetitions are the
outermost loop and contenders the innermost, so that a machine whose speed drifts slows all of them; medians and the range are
reported. Nothing here judges: only `bars.py` holds the results against what Sluice has to reach.

  machine.py     what the run was made on           contenders.py  how each contender is started, and where it leads
  lab.py         namespaces, processes, their cost  session.py     one contender, contacted and warm, with its servers
  figures/*.py   what is measured                   results.py     values, medians, JSON, Markdown
  chart.py       SVG                                bars.py        what must be reached
"""
