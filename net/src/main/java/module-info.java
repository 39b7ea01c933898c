/** A TCP/IP host on a link, with a socket-like API. */
module dev.sluice.net {
    requires static org.jspecify;
    requires transitive dev.sluice.link;
    requires transitive dev.sluice.loop;
    requires dev.sluice.stack;
    requires transitive dev.sluice.wire;

    exports dev.sluice.net;
    exports dev.sluice.net.dhcp;
}
