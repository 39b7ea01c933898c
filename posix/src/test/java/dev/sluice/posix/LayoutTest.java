package dev.sluice.posix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Our numbers against the C headers of the machine the tests run on. */
class LayoutTest {
    private static final String INCLUDES = """
            #define _GNU_SOURCE
            #include <errno.h>
            #include <fcntl.h>
            #include <linux/errqueue.h>
            #include <linux/if.h>
            #include <linux/if_tun.h>
            #include <linux/netlink.h>
            #include <linux/rtnetlink.h>
            #include <linux/nsfs.h>
            #include <linux/sockios.h>
            #include <linux/virtio_net.h>
            #include <netinet/in.h>
            #include <netinet/tcp.h>
            #include <poll.h>
            #include <sched.h>
            #include <signal.h>
            #include <spawn.h>
            #include <stddef.h>
            #include <stdio.h>
            #include <sys/epoll.h>
            #include <sys/ioctl.h>
            #include <sys/mman.h>
            #include <sys/resource.h>
            #include <sys/socket.h>
            #include <sys/syscall.h>
            #include <sys/un.h>
            #include <sys/wait.h>
            #ifndef TUN_F_USO4
            #define TUN_F_USO4 0x20
            #define TUN_F_USO6 0x40
            #endif
            #ifndef UDP_SEGMENT
            #define UDP_CORK 1
            #define UDP_SEGMENT 103
            #define UDP_GRO 104
            #endif
            #ifndef SYS_pidfd_getfd
            #define SYS_pidfd_getfd 438
            #endif
            """;

    @TempDir
    Path directory;

    @Test
    void publicConstantsAreThoseOfTheHeaders() throws Exception {
        Map<String, Long> expected = new LinkedHashMap<>();
        constants(expected, Sockets.class, Map.of());
        constants(expected, Errno.class, Map.of());
        constants(expected, Tun.class, Map.of("VNET_HEADER", "sizeof(struct virtio_net_hdr_mrg_rxbuf)"));
        constants(expected, Processes.class, Map.of());
        constants(expected, Namespaces.class, Map.of());
        constants(expected, Epoll.class, Map.of());
        constants(expected, Poll.class, Map.of());
        constants(expected, Io.class, Map.of());
        assertThat(expected).hasSizeGreaterThan(150);
        assertThat(compiled(expected)).isEqualTo(expected);
    }

    @Test
    void privateNumbersAreThoseOfTheHeaders() throws Exception {
        Map<String, Long> expected = new LinkedHashMap<>();
        expected.put("sizeof(struct iovec)", (long) Io.IOVEC);
        expected.put("sizeof(struct msghdr)", (long) Message.HEADER);
        expected.put("offsetof(struct msghdr, msg_name)", (long) Message.NAME);
        expected.put("offsetof(struct msghdr, msg_namelen)", (long) Message.NAME_LENGTH);
        expected.put("offsetof(struct msghdr, msg_iov)", (long) Message.IOV);
        expected.put("offsetof(struct msghdr, msg_iovlen)", (long) Message.IOV_COUNT);
        expected.put("offsetof(struct msghdr, msg_control)", (long) Message.CONTROL);
        expected.put("offsetof(struct msghdr, msg_controllen)", (long) Message.CONTROL_LENGTH);
        expected.put("offsetof(struct msghdr, msg_flags)", (long) Message.FLAGS);
        expected.put("sizeof(struct mmsghdr)", (long) Message.MULTI_HEADER);
        expected.put("offsetof(struct mmsghdr, msg_len)", (long) Message.MULTI_LENGTH);
        expected.put("sizeof(struct cmsghdr)", (long) Message.CONTROL_HEADER);
        expected.put("offsetof(struct cmsghdr, cmsg_level)", 8L);
        expected.put("offsetof(struct cmsghdr, cmsg_type)", 12L);
        for (int length : new int[] {0, 1, 4, 8, 12, 28}) {
            expected.put("CMSG_SPACE(" + length + ")", (long) Message.controlSpace(length));
        }
        expected.put("SCM_RIGHTS", (long) Message.SCM_RIGHTS);
        expected.put("SCM_CREDENTIALS", (long) Message.SCM_CREDENTIALS);
        expected.put("sizeof(struct sockaddr_in)", (long) SocketAddress.V4_LENGTH);
        expected.put("sizeof(struct sockaddr_in6)", (long) SocketAddress.V6_LENGTH);
        expected.put("sizeof(struct sockaddr_storage)", (long) SocketAddress.CAPACITY);
        expected.put("sizeof(((struct sockaddr_un *)0)->sun_path)", SocketAddress.UNIX_PATH_LIMIT + 1L);
        expected.put("offsetof(struct sockaddr_in6, sin6_scope_id)", 24L);
        expected.put("offsetof(struct ifreq, ifr_flags)", 16L);
        expected.put("sizeof(struct ifreq)", 40L);
        expected.put("(unsigned)TUNSETIFF", 0x400454caL);
        expected.put("(unsigned)TUNGETIFF", 0x800454d2L);
        expected.put("(unsigned)TUNSETOFFLOAD", 0x400454d0L);
        expected.put("(unsigned)TUNSETVNETHDRSZ", 0x400454d8L);
        expected.put("(unsigned)TUNSETSNDBUF", 0x400454d4L);
        expected.put("SIOCSIFHWADDR", 0x8924L);
        expected.put("SIOCGIFHWADDR", 0x8927L);
        expected.put("NS_GET_USERNS", 0xb701L);
        expected.put("NS_GET_NSTYPE", 0xb703L);
        expected.put("SYS_pidfd_open", 434L);
        expected.put("SYS_pidfd_getfd", 438L);
        expected.put("SYS_pidfd_send_signal", 424L);
        expected.put("RLIMIT_NOFILE", 7L);
        expected.put("sizeof(struct sigaction)", 152L);
        expected.put("offsetof(struct sigaction, sa_handler)", 0L);
        expected.put("sizeof(sigset_t)", 128L);
        expected.put("sizeof(posix_spawnattr_t) <= 1024 && sizeof(posix_spawn_file_actions_t) <= 1024", 1L);
        expected.put("POSIX_SPAWN_SETSIGDEF", 4L);
        expected.put("POSIX_SPAWN_SETSIGMASK", 8L);
        expected.put("F_DUPFD_CLOEXEC", 1030L);
        expected.put("MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE", 0x4022L);
        expected.put("MADV_DONTNEED", 4L);
        expected.put("SOL_NETLINK", 270L);
        expected.put("NETLINK_CAP_ACK", 10L);
        expected.put("NETLINK_EXT_ACK", 11L);
        expected.put("NLM_F_CREATE | NLM_F_EXCL", 0x600L);
        expected.put("NLM_F_DUMP", 0x300L);
        expected.put("NLM_F_ACK_TLVS", 0x200L);
        expected.put("RTM_NEWLINK", 16L);
        expected.put("RTM_GETLINK", 18L);
        expected.put("RTM_NEWADDR", 20L);
        expected.put("RTM_GETADDR", 22L);
        expected.put("RTM_NEWROUTE", 24L);
        expected.put("RTM_GETROUTE", 26L);
        expected.put("IFLA_MTU", 4L);
        expected.put("IFLA_TXQLEN", 13L);
        expected.put("IFA_LOCAL", 2L);
        expected.put("RTA_OIF", 4L);
        expected.put("RTA_GATEWAY", 5L);
        expected.put("RT_TABLE_MAIN", 254L);
        expected.put("RTNH_F_ONLINK", 4L);
        expected.put("sizeof(struct ifinfomsg)", 16L);
        expected.put("sizeof(struct ifaddrmsg)", 8L);
        expected.put("sizeof(struct rtmsg)", 12L);
        expected.put("sizeof(struct nlmsghdr)", (long) NetlinkMessage.HEADER);
        assertThat(compiled(expected)).isEqualTo(expected);
    }

    /** Adds every public int constant under its C name. */
    private static void constants(Map<String, Long> all, Class<?> type, Map<String, String> names)
            throws IllegalAccessException {
        for (Field field : type.getDeclaredFields()) {
            boolean constant = Modifier.isStatic(field.getModifiers()) && Modifier.isPublic(field.getModifiers());
            if (!constant || field.getType() != int.class) {
                continue;
            }
            String name = names.getOrDefault(field.getName(), cName(type, field.getName()));
            if (!name.isEmpty()) {
                all.put(name, (long) field.getInt(null));
            }
        }
    }

    private static String cName(Class<?> type, String name) {
        if (type == Epoll.class) {
            return "(int)EPOLL" + (name.equals("EDGE") ? "ET" : name);
        }
        if (type == Poll.class) {
            return "POLL" + name;
        }
        return switch (name) {
            case "STREAM", "DGRAM", "RAW", "SEQPACKET" -> "SOCK_" + name;
            case "PMTUDISC_DONT", "PMTUDISC_WANT", "PMTUDISC_DO", "PMTUDISC_PROBE" -> "IP_" + name;
            case "NAME_LIMIT" -> "IFNAMSIZ - 1";
            case "TUN_F_USO" -> "TUN_F_USO4 | TUN_F_USO6";
            case "IOVEC" -> "";
            default -> name;
        };
    }

    /** What a C compiler says the expressions are. */
    private Map<String, Long> compiled(Map<String, Long> expressions) throws Exception {
        StringBuilder program = new StringBuilder(INCLUDES).append("int main(void) {\n");
        for (String expression : expressions.keySet()) {
            program.append("printf(\"%lld\\n\", (long long)(")
                    .append(expression)
                    .append("));\n");
        }
        Path source = directory.resolve("layout.c");
        Files.writeString(source, program.append("return 0; }\n"));
        String compiler = run("gcc", "-w", "-o", directory.resolve("layout").toString(), source.toString());
        assertThat(compiler).as("gcc").isEmpty();
        String[] lines = run(directory.resolve("layout").toString()).split("\n");
        Map<String, Long> values = new LinkedHashMap<>();
        int i = 0;
        for (String expression : expressions.keySet()) {
            values.put(expression, Long.parseLong(lines[i++]));
        }
        return values;
    }

    private static String run(String... command) throws Exception {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            process.waitFor();
            return output;
        } catch (IOException e) {
            System.out.println("SKIPPED: struct layouts are not compared, there is no gcc: " + e.getMessage());
            assumeTrue(false, "no gcc");
            throw e;
        }
    }
}
