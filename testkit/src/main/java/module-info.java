/** Simulated links, hosts and time for deterministic tests. */
module dev.sluice.testkit {
    requires static org.jspecify;
    requires transitive dev.sluice.link;
    requires transitive dev.sluice.loop;
    requires transitive dev.sluice.stack;
    requires transitive dev.sluice.wire;

    exports dev.sluice.testkit;
}
