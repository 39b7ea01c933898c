package dev.sluice.testkit.packetdrill;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a script's flags mean to a run.
 *
 * @param packetMss of what size are the packets in a row that an inbound one stands for
 * @param toleranceMicros how far times may be off
 * @param timestampTickMicros above 0, values of our timestamps are checked, in ticks of this length
 * @param strictSegments whether a packet is met by one segment only
 * @param strict whether TCP options are compared in order and with their padding
 * @param packetsMayDiffer whether a packet that is not the expected one is no failure; likewise for results of calls: {@code
 *     --non_fatal}
 */
record RunOptions(
        boolean ipv6,
        int mtu,
        int packetMss,
        long toleranceMicros,
        long timestampTickMicros,
        boolean strictSegments,
        boolean strict,
        boolean packetsMayDiffer,
        boolean callsMayDiffer) {
    /** Before the name of each symbol that a flag defines. */
    static final String DEFINE = "define:";

    private static final String DEFAULT_TOLERANCE = "4000";

    /** The symbols that {@code --define=NAME=VALUE} has defined, with their values. */
    static Map<String, String> symbols(Map<String, String> options) {
        Map<String, String> symbols = new TreeMap<>();
        options.forEach((name, value) -> {
            if (name.startsWith(DEFINE)) {
                symbols.put(name.substring(DEFINE.length()), value);
            }
        });
        return symbols;
    }

    /** Stores a flag under its name; those that define symbols do so under a name for each. */
    static void put(Map<String, String> options, String name, String value) {
        int equals = value.indexOf('=');
        if (name.equals("define") && equals > 0) {
            options.put(DEFINE + value.substring(0, equals), value.substring(equals + 1));
        } else {
            options.put(name, value);
        }
    }

    /** The flags of a script over those of the command line. */
    static RunOptions of(Map<String, String> script, Map<String, String> overrides) throws ScriptException {
        Map<String, String> all = new HashMap<>(overrides);
        all.putAll(script);
        String version = all.getOrDefault("ip_version", "ipv4");
        if (!version.equals("ipv4") && !version.equals("ipv6")) {
            throw ScriptException.unsupported(1, "--ip_version=" + version + " is not supported");
        }
        for (String name : all.keySet()) {
            if (name.startsWith(DEFINE)) {
                continue;
            }
            switch (name) {
                case "ip_version",
                        "dialect",
                        "mtu",
                        "mss",
                        "tolerance_usecs",
                        "tolerance",
                        // Our clock is exact: that much slack is not used.
                        "tolerance_percent",
                        "tcp_ts_tick_usecs",
                        "strict",
                        "strict_segments",
                        // These are about the machine that real packetdrill runs on, or about its output.
                        "local_ip",
                        "remote_ip",
                        "gateway_ip",
                        "netmask_ip",
                        "connect_port",
                        "bind_port",
                        "speed",
                        "non_fatal",
                        "verbose",
                        "send_omit_free",
                        "init_scripts",
                        "code_command",
                        "code_format",
                        "code_sockopt" -> {}
                default -> throw ScriptException.unsupported(1, "the flag --" + name + " is not supported");
            }
        }
        try {
            return new RunOptions(
                    version.equals("ipv6"),
                    Integer.parseInt(all.getOrDefault("mtu", "1500")),
                    Integer.parseInt(all.getOrDefault("mss", Integer.toString(Integer.MAX_VALUE))),
                    Long.parseLong(
                            all.getOrDefault("tolerance_usecs", all.getOrDefault("tolerance", DEFAULT_TOLERANCE))),
                    Long.parseLong(all.getOrDefault("tcp_ts_tick_usecs", "0")),
                    all.containsKey("strict_segments"),
                    all.containsKey("strict"),
                    all.getOrDefault("non_fatal", "").contains("packet"),
                    all.getOrDefault("non_fatal", "").contains("syscall"));
        } catch (NumberFormatException e) {
            throw ScriptException.badScript(1, "a flag is not a number: " + e.getMessage());
        }
    }
}
