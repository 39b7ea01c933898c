/** A guest network whose flows become host sockets. */
module dev.sluice.gateway {
    requires static org.jspecify;
    requires transitive dev.sluice.host;
    requires transitive dev.sluice.link;
    requires transitive dev.sluice.loop;
    requires dev.sluice.posix;
    requires dev.sluice.stack;
    requires jdk.jfr;
    requires jdk.net;
    requires transitive dev.sluice.wire;

    exports dev.sluice.gateway;
    exports dev.sluice.gateway.arp;
    exports dev.sluice.gateway.dhcp;
    exports dev.sluice.gateway.dns;
    exports dev.sluice.gateway.event;
    exports dev.sluice.gateway.explain;
    exports dev.sluice.gateway.flow;
    exports dev.sluice.gateway.forward;
    exports dev.sluice.gateway.http;
    exports dev.sluice.gateway.icmp;
    exports dev.sluice.gateway.mux;
    exports dev.sluice.gateway.proxy;
    exports dev.sluice.gateway.tcp;
    exports dev.sluice.gateway.udp;
}
