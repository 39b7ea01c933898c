/** Commands, and the programs that Sluice stands in for. */
module dev.sluice.cli {
    requires static org.jspecify;
    requires dev.sluice.control;
    requires dev.sluice.gateway;
    requires dev.sluice.link;
    requires dev.sluice.posix;
    requires dev.sluice.proxy;
    requires dev.sluice.wire;
    requires org.snakeyaml.engine;
    requires jdk.unsupported; // sun.misc.Signal: the only way to handle a signal

    exports dev.sluice.cli;

    provides System.LoggerFinder with
            dev.sluice.cli.Console;
}
