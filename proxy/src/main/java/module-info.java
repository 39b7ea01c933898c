/** Which way a request goes: the host's proxy settings, live; PAC files; rules. */
module dev.sluice.proxy {
    requires static org.jspecify;
    requires transitive dev.sluice.gateway;
    requires transitive dev.sluice.host;
    requires dev.sluice.wire;
    requires java.security.jgss;
    requires jdk.management;
    requires org.mozilla.rhino;

    exports dev.sluice.proxy;
    exports dev.sluice.proxy.negotiate;
    exports dev.sluice.proxy.rule;
    exports dev.sluice.proxy.source;
}
