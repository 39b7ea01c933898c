package dev.sluice.testkit.packetdrill;

import dev.sluice.stack.tcp.TcpProfile;

/** The system settings of both dialects, by what they mean to our stack. */
final class Sysctls {
    private static final long MILLIS = 1_000_000L;
    private static final long SECONDS = 1_000_000_000L;

    private final Settings settings;
    private final Runnable forgetPath;

    /** {@code forgetPath} runs where what is known of the way to the peer shall be forgotten. */
    Sysctls(Settings settings, Runnable forgetPath) {
        this.settings = settings;
        this.forgetPath = forgetPath;
    }

    void set(String name, String value, int line) throws ScriptException {
        try {
            if (name.startsWith("net.inet") || name.startsWith("kern.")) {
                setFreeBsd(name, value, line);
            } else {
                setLinux(name, value, line);
            }
        } catch (NumberFormatException e) {
            throw unsupported(name, value, line);
        }
    }

    private static ScriptException unsupported(String name, String value, int line) {
        return ScriptException.unsupported(line, "the setting " + name + "=" + value + " is not supported");
    }

    /** For settings of which our stack has one value only. */
    private static void only(boolean ours, String name, String value, int line) throws ScriptException {
        if (!ours) {
            throw unsupported(name, value, line);
        }
    }

    /** The same numbers in both systems, but for 4, with which only Linux asks for ECN when it connects. */
    private void ecn(String name, String value, int line) throws ScriptException {
        settings.ecn = switch (value) {
            case "0" -> TcpProfile.Ecn.OFF;
            case "1" -> TcpProfile.Ecn.REQUEST;
            case "2" -> TcpProfile.Ecn.ACCEPT;
            // Accurate ECN with those who speak it; others get RFC 3168's (RFC 9768 §3.1).
            case "3" -> TcpProfile.Ecn.ACCEPT;
            case "4" -> name.contains("ipv4") ? TcpProfile.Ecn.REQUEST : TcpProfile.Ecn.ACCEPT;
            case "5" -> TcpProfile.Ecn.ACCEPT;
            default -> throw unsupported(name, value, line);
        };
        settings.asksForAccurateEcn = value.equals("3");
    }

    private void congestion(String name, String value, int line) throws ScriptException {
        settings.congestion = switch (value) {
            case "reno", "newreno" -> TcpProfile.Congestion.NEW_RENO;
            case "cubic" -> TcpProfile.Congestion.CUBIC;
            default -> throw unsupported(name, value, line);
        };
    }

    private void setFreeBsd(String name, String value, int line) throws ScriptException {
        Settings s = settings;
        switch (name) {
            case "net.inet.tcp.rfc1323" -> {
                int mode = Integer.parseInt(value);
                s.windowScaling = mode == 1 || mode == 2;
                s.timestamps = mode == 1 || mode == 3;
            }
            case "net.inet.tcp.sack.enable" -> s.sack = isOn(value);
            case "net.inet.tcp.ecn.enable" -> ecn(name, value, line);
            case "net.inet.tcp.ecn.maxretries" -> s.ecnSyns = Math.clamp(Long.parseLong(value) + 1, 0, 100);
            case "net.inet.tcp.recvspace" -> s.receiveSpace = Integer.parseInt(value);
            case "net.inet.tcp.sendspace" -> s.sendSpace = Integer.parseInt(value);
            case "kern.ipc.maxsockbuf" -> s.largestBuffer = Long.parseLong(value);
            case "net.inet.tcp.blackhole" -> s.blackhole = isOn(value);
            case "net.inet.tcp.insecure_rst" -> s.insecureReset = isOn(value);
            case "net.inet.tcp.insecure_syn" -> s.insecureSyn = isOn(value);
            case "net.inet.tcp.drop_synfin" -> s.dropSynFin = isOn(value);
            // Matters only to connections that use ECN (RFC 3168 §6.1.4, §6.1.5).
            case "net.inet.tcp.ecn.plusplus", "net.inet.tcp.ecn.generalized" -> s.ecnEverywhere = isOn(value);
            // Ours always counts what is in flight so (RFC 6675 §4).
            case "net.inet.tcp.rfc6675_pipe", "net.inet.tcp.sack.revised" -> only(isOn(value), name, value, line);
            case "net.inet.tcp.syncookies_only" -> s.cookiesOnly = isOn(value);
            case "net.inet.tcp.rexmit_initial" -> s.rtoInitial = Long.parseLong(value) * MILLIS;
            case "net.inet.tcp.rexmit_min" -> s.rtoMin = Long.parseLong(value) * MILLIS;
            case "net.inet.tcp.rexmit_slop" -> s.rtoSlop = Long.parseLong(value) * MILLIS;
            case "net.inet.tcp.rexmit_drop_options" -> s.dropOptions = isOn(value);
            case "net.inet.tcp.keepinit" -> s.synTimeout = Long.parseLong(value) * MILLIS;
            case "net.inet.tcp.keepidle" -> s.keepAliveIdle = Long.parseLong(value) * MILLIS;
            case "net.inet.tcp.keepintvl" -> s.keepAliveInterval = Long.parseLong(value) * MILLIS;
            case "net.inet.tcp.keepcnt" -> s.keepAliveProbes = Integer.parseInt(value);
            case "net.inet.tcp.always_keepalive" -> s.keepAliveAlways = isOn(value);
            case "net.inet.tcp.dsack", "net.inet.tcp.sack.dsack" -> s.duplicateSack = isOn(value);
            case "net.inet.tcp.delacktime" -> s.delayedAck = Long.parseLong(value) * MILLIS;
            case "net.inet.tcp.delayed_ack" -> s.delayedAck = isOn(value) ? 40 * MILLIS : 0;
            case "net.inet.tcp.icmp_may_rst" -> s.icmpMayReset = isOn(value);
            case "net.inet.tcp.path_mtu_discovery" -> s.pathMtuDiscovery = isOn(value);
            case "net.inet.tcp.mssdflt" -> s.defaultMss = s.ipv6 ? s.defaultMss : Integer.parseInt(value);
            case "net.inet.tcp.v6mssdflt" -> s.defaultMss = s.ipv6 ? Integer.parseInt(value) : s.defaultMss;
            case "net.inet.tcp.cc.algorithm" -> congestion(name, value, line);
            case "net.inet.tcp.initcwnd_segments" -> only(value.equals("10"), name, value, line);
            case "net.inet.tcp.fastopen.server_enable", "net.inet.tcp.fastopen.client_enable" ->
                only(!isOn(value), name, value, line);
            case "net.inet.tcp.hostcache.purgenow" -> forgetPath.run();
            // Nothing of ours depends on these.
            case "net.inet.tcp.syncookies",
                    "net.inet.tcp.tolerate_missing_ts",
                    "net.inet.tcp.recvbuf_auto",
                    "net.inet.tcp.sendbuf_auto",
                    "net.inet.tcp.log_debug",
                    "net.inet.tcp.nolocaltimewait",
                    "net.inet.tcp.tso",
                    "net.inet.tcp.pmtud_blackhole_detection" -> {}
            default -> throw unsupported(name, value, line);
        }
    }

    private void setLinux(String name, String value, int line) throws ScriptException {
        Settings s = settings;
        String key = name.replaceFirst("^net\\.(ipv4|core)\\.", "");
        switch (key) {
            case "tcp_sack" -> s.sack = isOn(value);
            case "tcp_timestamps" -> s.timestamps = isOn(value);
            case "tcp_window_scaling" -> s.windowScaling = isOn(value);
            case "tcp_rmem" -> s.largestBuffer = largest(value);
            case "tcp_wmem" -> s.sendSpace = (int) Math.min(largest(value), 4 << 20);
            case "tcp_ecn" -> ecn(name, value, line);
            case "tcp_syn_retries" -> s.synTimeout = ((1L << Integer.parseInt(value) + 1) - 1) * SECONDS;
            case "tcp_keepalive_time" -> s.keepAliveIdle = Long.parseLong(value) * SECONDS;
            case "tcp_keepalive_intvl" -> s.keepAliveInterval = Long.parseLong(value) * SECONDS;
            case "tcp_keepalive_probes" -> s.keepAliveProbes = Integer.parseInt(value);
            case "tcp_congestion_control" -> congestion(name, value, line);
            case "tcp_mtu_probing" -> only(!isOn(value), name, value, line);
            case "tcp_syncookies" -> s.cookiesOnly = value.equals("2");
            // Without probes our stack counts instead of measuring, and the other way round.
            case "tcp_early_retrans", "tcp_recovery" -> s.rack = isOn(value);
            case "tcp_tw_reuse" -> s.reopenAfter = value.equals("1") ? SECONDS : -1;
            case "tcp_tw_reuse_delay" -> s.reopenAfter = s.reopenAfter < 0 ? -1 : Long.parseLong(value) * MILLIS;
            case "tcp_dsack" -> s.duplicateSack = isOn(value);
            case "tcp_slow_start_after_idle" -> only(isOn(value), name, value, line);
            // Nothing of ours depends on these: they shape what the kernel hands to its devices, or remember across
            // connections.
            case "tcp_min_tso_segs",
                    "tcp_tso_win_divisor",
                    "tcp_tso_rtt_log",
                    "tcp_limit_output_bytes",
                    "tcp_pacing_ss_ratio",
                    "tcp_pacing_ca_ratio",
                    "tcp_no_metrics_save",
                    "tcp_autocorking",
                    "tcp_fack",
                    "tcp_max_syn_backlog",
                    "tcp_synack_retries",
                    "tcp_fastopen",
                    "tcp_fastopen_key",
                    "default_qdisc" -> {}
            default -> throw unsupported(name, value, line);
        }
    }

    private static boolean isOn(String value) {
        return Long.decode(value) != 0;
    }

    /** The last of three numbers. */
    private static long largest(String value) {
        String[] words = value.strip().split("\\s+");
        return Long.parseLong(words[words.length - 1]);
    }
}
