/** The control plane's doors: HTTP API on a Unix socket. */
module dev.sluice.control {
    requires static org.jspecify;
    requires transitive dev.sluice.gateway;
    requires dev.sluice.posix;
    requires jdk.jfr;
    requires jdk.management;
    requires jdk.net;

    exports dev.sluice.control;
    exports dev.sluice.control.diagnose;
    exports dev.sluice.control.ninep;
    exports dev.sluice.control.vpnkit;
}
