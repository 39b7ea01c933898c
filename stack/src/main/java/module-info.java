/** Protocol machines without I/O or clock: IP, ICMP, UDP, TCP. */
module dev.sluice.stack {
    requires static org.jspecify;
    requires transitive dev.sluice.wire;

    exports dev.sluice.stack.share;
    exports dev.sluice.stack.tcp;
    exports dev.sluice.stack.ip;
    exports dev.sluice.stack.ndp;
    exports dev.sluice.stack.dhcp6;
}
