/** Commands: run, attach, serve, status. */
module dev.sluice.cli {
    requires static org.jspecify;
    requires dev.sluice.control;
    requires dev.sluice.gateway;
    requires dev.sluice.link;
    requires dev.sluice.posix;
    requires dev.sluice.wire;
    requires jdk.unsupported; // sun.misc.Signal: the only way to handle a signal

    exports dev.sluice.cli;

    provides System.LoggerFinder with
            dev.sluice.cli.Console;
}
