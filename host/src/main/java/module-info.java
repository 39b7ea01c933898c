/** The host seen through one small interface: sockets, resolver settings, routes. */
module dev.sluice.host {
    requires static org.jspecify;
    requires transitive dev.sluice.loop;
    requires dev.sluice.posix;
    requires transitive dev.sluice.wire;

    exports dev.sluice.host;
    exports dev.sluice.host.porthelper;
}
