/** Bytes on the wire, one package per protocol; pure. */
module dev.sluice.wire {
    requires static org.jspecify;

    exports dev.sluice.wire;
}
