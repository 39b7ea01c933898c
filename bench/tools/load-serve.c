// The servers: echo, and names.
#include "load.h"

static struct epoll_event interest(int fd) { return (struct epoll_event){.events = EPOLLIN, .data.fd = fd}; }

static void watch(int events, int fd) {
    struct epoll_event e = interest(fd);
    if (epoll_ctl(events, EPOLL_CTL_ADD, fd, &e)) fail("epoll");
}

static void echo_datagrams(int s) {
    static uint8_t buffer[65536];
    struct address from = {.size = sizeof from.of};
    for (ssize_t n; (n = recvfrom(s, buffer, sizeof buffer, 0, (void *) &from.of, &from.size)) >= 0; from.size = sizeof from.of)
        sendto(s, buffer, n, 0, (void *) &from.of, from.size);
}

static void blasts(int s) {
    static uint8_t buffer[65536];
    struct address from = {.size = sizeof from.of};
    for (ssize_t n; (n = recvfrom(s, buffer, sizeof buffer, 0, (void *) &from.of, &from.size)) >= 0; from.size = sizeof from.of)
        blast_service(s, buffer, n, &from);
}

static void accept_all(int events, int listener) {
    int one = 1;
    for (int s; (s = accept4(listener, 0, 0, SOCK_NONBLOCK)) >= 0;) {
        setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        watch(events, s);
    }
}

void serve(int port) {
    static uint8_t buffer[4096];
    int events = epoll_create1(0), listener = dual_stack(SOCK_STREAM, port), datagrams = dual_stack(SOCK_DGRAM, port), counted = dual_stack(SOCK_DGRAM, port + 1);
    if (listen(listener, 65535)) fail("listen");
    big_buffers(datagrams);
    big_buffers(counted);
    watch(events, listener);
    watch(events, datagrams);
    watch(events, counted);
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct epoll_event ready[256];
        int n = epoll_wait(events, ready, 256, -1);
        for (int i = 0; i < n; i++) {
            int s = ready[i].data.fd;
            if (s == listener) accept_all(events, s);
            else if (s == datagrams) echo_datagrams(s);
            else if (s == counted) blasts(s);
            else {
                ssize_t got = recv(s, buffer, sizeof buffer, 0);
                if (got > 0) send(s, buffer, got, MSG_NOSIGNAL);
                else if (got == 0 || errno != EAGAIN) close(s);
            }
        }
    }
}

void dns_server(const char *host, int port, int ttl) {
    struct address a = address_of(host, port);
    int s = socket(a.of.ss_family, SOCK_DGRAM, 0);
    if (s < 0 || bind(s, (void *) &a.of, a.size)) fail("bind");
    big_buffers(s);
    puts("ready");
    fflush(stdout);
    const uint8_t record[16] = {0xc0, 12, 0, 1, 0, 1, ttl >> 24, ttl >> 16, ttl >> 8, ttl, 0, 4, 192, 0, 2, 7}; // the name asked for, A, IN
    for (;;) {
        uint8_t m[1500];
        struct address from = {.size = sizeof from.of};
        ssize_t n = recvfrom(s, m, sizeof m - sizeof record, 0, (void *) &from.of, &from.size), end = 12;
        if (n < 17 || (m[2] & 0x80)) continue;
        while (end < n && m[end]) end += m[end] + 1;
        end += 5;
        if (end > n) continue;
        m[2] = 0x81;
        m[3] = 0x80;
        memset(m + 6, 0, 6); // whatever stood behind the question (EDNS) is left out
        m[7] = 1;
        memcpy(m + end, record, sizeof record);
        sendto(s, m, end + sizeof record, 0, (void *) &from.of, from.size);
    }
}
