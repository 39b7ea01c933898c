/** Small programs on a network stack of their own. */
module dev.sluice.examples {
    requires static org.jspecify;
    requires dev.sluice.net;

    exports dev.sluice.examples;
}
