/** Where frames come from: TAP, vmnet, QEMU, BESS, unixgram; and the switch between them. */
module dev.sluice.link {
    requires static org.jspecify;
    requires transitive dev.sluice.loop;
    requires dev.sluice.posix;
    requires transitive dev.sluice.wire;

    exports dev.sluice.link;
    exports dev.sluice.link.capture;
    exports dev.sluice.link.tap;
    exports dev.sluice.link.vmnet;
}
