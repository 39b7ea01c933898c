/** Commands: run, attach, serve, status. */
module dev.sluice.cli {
    requires static org.jspecify;
    requires dev.sluice.gateway;
    requires info.picocli;

    exports dev.sluice.cli;

    opens dev.sluice.cli to
            info.picocli;
}
