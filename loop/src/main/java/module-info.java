/** One thread, its descriptors, timers and mailbox. */
module dev.sluice.loop {
    requires static org.jspecify;
    requires dev.sluice.posix;

    exports dev.sluice.loop;
}
