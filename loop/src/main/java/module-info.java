/** One thread, its descriptors, timers and mailbox. */
module dev.sluice.loop {
    requires static org.jspecify;
    requires dev.sluice.posix;
    requires jdk.jfr;

    exports dev.sluice.loop;
}
