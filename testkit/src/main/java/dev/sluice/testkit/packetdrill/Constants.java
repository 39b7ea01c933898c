package dev.sluice.testkit.packetdrill;

import java.util.HashMap;
import java.util.Map;

/** Names of numbers. Only flags that are combined or printed need their true values; the others stand for themselves. */
final class Constants {
    static final long O_RDWR = 2;
    static final long MSG_OOB = 1;
    static final long MSG_PEEK = 2;
    static final long MSG_DONTWAIT = 0x40;
    static final long MSG_TRUNC = 0x20;
    static final long MSG_WAITALL = 0x100;
    static final long MSG_NOSIGNAL = 0x4000;
    /** More will be written: as if corked until then. */
    static final long MSG_MORE = 0x8000;

    static final long MSG_EOF = 0x100_0000;
    /** The user keeps the memory until it is told: nothing else differs. */
    static final long MSG_ZEROCOPY = 0x400_0000;

    private final Map<String, Long> all = new HashMap<>();

    Constants(Script.Dialect dialect) {
        put("O_RDONLY", 0).put("O_WRONLY", 1).put("O_RDWR", O_RDWR);
        put("O_NONBLOCK", dialect != Script.Dialect.FREEBSD ? 0x800 : 4);
        put("MSG_OOB", MSG_OOB).put("MSG_PEEK", MSG_PEEK).put("MSG_DONTWAIT", MSG_DONTWAIT);
        put("MSG_TRUNC", MSG_TRUNC).put("MSG_WAITALL", MSG_WAITALL).put("MSG_NOSIGNAL", MSG_NOSIGNAL);
        put("MSG_EOF", MSG_EOF).put("MSG_ZEROCOPY", MSG_ZEROCOPY).put("MSG_MORE", MSG_MORE);
        put("POLLIN", 1).put("POLLPRI", 2).put("POLLOUT", 4).put("POLLERR", 8).put("POLLHUP", 16);
        put("POLLNVAL", 32).put("POLLRDHUP", 0x2000).put("POLLRDNORM", 64).put("POLLWRNORM", 256);
        put("EPOLLIN", 1)
                .put("EPOLLPRI", 2)
                .put("EPOLLOUT", 4)
                .put("EPOLLERR", 8)
                .put("EPOLLHUP", 16);
        put("EPOLLRDNORM", 64).put("EPOLLWRNORM", 256).put("EPOLLRDHUP", 0x2000);
        put("EPOLLONESHOT", 1L << 30).put("EPOLLET", 1L << 31).put("EPOLL_CLOEXEC", 0);
        put("IPTOS_LOWDELAY", 0x10)
                .put("IPTOS_THROUGHPUT", 8)
                .put("IPTOS_RELIABILITY", 4)
                .put("IPTOS_MINCOST", 2);
        put("IPTOS_DSCP_EF", 0xb8);
        for (int precedence = 0; precedence < 8; precedence++) {
            put("IPTOS_DSCP_CS" + precedence, precedence << 5);
        }
        for (int precedence = 1; precedence <= 4; precedence++) {
            for (int drop = 1; drop <= 3; drop++) {
                put("IPTOS_DSCP_AF" + precedence + drop, precedence << 5 | drop << 3);
            }
        }
        put("SHUT_RD", 0).put("SHUT_WR", 1).put("SHUT_RDWR", 2);
        put("true", 1).put("false", 0).put("NULL", 0);
    }

    private Constants put(String name, long value) {
        all.put(name, value);
        return this;
    }

    Map<String, Long> all() {
        return all;
    }
}
