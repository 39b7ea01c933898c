/** Simulated links, hosts and time for deterministic tests. */
module dev.sluice.testkit {
    requires static org.jspecify;
    requires transitive dev.sluice.link;
    requires transitive dev.sluice.loop;
    requires dev.sluice.stack;
    requires dev.sluice.wire;

    exports dev.sluice.testkit;
}
