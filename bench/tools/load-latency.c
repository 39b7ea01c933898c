// Clients with one request under way on each connection: request-response, connect-request-response, names, and held connections.
#include "load.h"

enum { PATIENCE = 1000000000, UDP_PATIENCE = 200000000 };

struct conversation {
    int fd, connecting;
    int64_t due, sent; // when the request under way was due and sent; sent is 0 while none is
};

static void watch(int events, struct conversation *c, uint32_t what) {
    struct epoll_event e = {.events = what, .data.ptr = c};
    if (epoll_ctl(events, EPOLL_CTL_ADD, c->fd, &e)) fail("epoll");
}

static void one_connection(struct address to, int udp, double seconds) {
    struct latencies l = {0};
    struct timeval patience = {.tv_usec = UDP_PATIENCE / 1000};
    int s = connected(to, udp ? SOCK_DGRAM : SOCK_STREAM, 0);
    long lost = 0;
    if (s < 0) fail("connect");
    if (!udp) patience = (struct timeval){.tv_sec = 5};
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    int64_t start = now(), end = start + seconds * 1e9;
    for (int64_t t = start; t < end;) {
        char byte = 1;
        if (send(s, &byte, 1, 0) != 1) fail("send");
        if (recv(s, &byte, 1, 0) == 1) {
            int64_t then = now();
            record(&l, then - t);
            t = then;
        } else if (udp) {
            lost++;
            t = now();
        } else fail("recv");
    }
    print_latencies(&l, udp ? "UDP requests" : "TCP requests", now() - start, lost);
}

static void ask(struct conversation *c, int64_t t) {
    char byte = 1;
    c->sent = t;
    if (send(c->fd, &byte, 1, 0) != 1 && errno != EAGAIN) fail("send");
}

// How long to wait for answers until the next request is due.
static struct timespec until_due(const struct conversation *all, int connections, int64_t t) {
    int64_t wait = 100000000;
    for (int i = 0; i < connections; i++)
        if (!all[i].sent && all[i].due - t < wait) wait = all[i].due - t;
    return (struct timespec){.tv_nsec = wait < 0 ? 0 : wait};
}

void request_response(struct address to, int udp, int connections, double seconds, int pace_us) {
    if (connections == 1 && !pace_us) {
        one_connection(to, udp, seconds);
        return;
    }
    struct latencies l = {0};
    struct conversation *all = calloc(connections, sizeof *all);
    int events = epoll_create1(0);
    long lost = 0;
    for (int i = 0; i < connections; i++) {
        all[i].fd = connected(to, udp ? SOCK_DGRAM : SOCK_STREAM, 0);
        if (all[i].fd < 0) fail("connect");
        fcntl(all[i].fd, F_SETFL, O_NONBLOCK);
        watch(events, &all[i], EPOLLIN);
    }
    int64_t pace = pace_us * 1000LL, start = now(), end = start + seconds * 1e9;
    for (int i = 0; i < connections; i++) {
        all[i].due = start + (pace ? pace * i / connections : 0);
        if (!pace) ask(&all[i], start);
    }
    for (int64_t t = start, checked = start; t < end; t = now()) {
        struct epoll_event ready[256];
        struct timespec wait = pace ? until_due(all, connections, t) : (struct timespec){.tv_nsec = 100000000};
        int n = epoll_pwait2(events, ready, 256, &wait, 0);
        for (int i = 0; i < n; i++) {
            struct conversation *c = ready[i].data.ptr;
            char bytes[16];
            ssize_t got = recv(c->fd, bytes, sizeof bytes, 0);
            if (got == 0 || (got < 0 && errno != EAGAIN)) fail("recv");
            if (got < 0 || !c->sent) continue;
            int64_t then = now();
            record(&l, then - (pace ? c->due : c->sent));
            c->sent = 0;
            if (pace) c->due += pace;
            else ask(c, then);
        }
        t = now();
        for (int i = 0; pace && i < connections; i++)
            if (!all[i].sent && all[i].due <= t) ask(&all[i], t);
        if (udp && t - checked > UDP_PATIENCE / 2) {
            checked = t;
            for (int i = 0; i < connections; i++) {
                if (!all[i].sent || t - all[i].sent < UDP_PATIENCE) continue;
                lost++;
                ask(&all[i], t);
            }
        }
    }
    int64_t patience = seconds * 1e9 / 3;
    if (patience > PATIENCE) patience = PATIENCE;
    for (int i = 0; i < connections; i++) // who still waits has waited that long at least: leaving them out would flatter
        if (all[i].sent && now() - all[i].sent > patience) record(&l, now() - all[i].sent);
    print_latencies(&l, udp ? "UDP requests" : "TCP requests", now() - start, lost);
}

static void begin(int events, struct conversation *c, struct address to) {
    c->sent = now();
    c->connecting = 1;
    c->fd = connected(to, SOCK_STREAM, 1);
    if (c->fd < 0) fail("connect");
    watch(events, c, EPOLLOUT);
}

void connect_request_response(struct address to, int concurrent, double seconds) {
    struct latencies l = {0};
    struct conversation *all = calloc(concurrent, sizeof *all);
    int events = epoll_create1(0);
    long failed = 0;
    int64_t start = now(), end = start + seconds * 1e9;
    for (int i = 0; i < concurrent; i++) begin(events, &all[i], to);
    while (now() < end) {
        struct epoll_event ready[256];
        int n = epoll_wait(events, ready, 256, 100);
        for (int i = 0; i < n; i++) {
            struct conversation *c = ready[i].data.ptr;
            char byte = 1;
            if (c->connecting) {
                struct epoll_event answers = {.events = EPOLLIN, .data.ptr = c};
                c->connecting = 0;
                epoll_ctl(events, EPOLL_CTL_MOD, c->fd, &answers);
                if (send(c->fd, &byte, 1, MSG_NOSIGNAL) == 1) continue;
            } else if (recv(c->fd, &byte, 1, 0) == 1) record(&l, now() - c->sent);
            else failed++;
            close(c->fd);
            begin(events, c, to);
        }
    }
    print_latencies(&l, "connections", now() - start, failed);
}

static int query(uint8_t *m, unsigned id, long number) {
    static const uint8_t rest[] = {5, 'b', 'e', 'n', 'c', 'h', 4, 't', 'e', 's', 't', 0, 0, 1, 0, 1};
    char label[24];
    int n = snprintf(label, sizeof label, "n%lx", number);
    memset(m, 0, 12);
    m[0] = id >> 8;
    m[1] = id;
    m[2] = 1;
    m[5] = 1;
    m[12] = n;
    memcpy(m + 13, label, n);
    memcpy(m + 13 + n, rest, sizeof rest);
    return 13 + n + sizeof rest;
}

static long next(long *number, int names) {
    long n = (*number)++;
    return names ? n % names : n;
}

void dns_queries(struct address to, int outstanding, double seconds, int names) {
    struct latencies l = {0};
    struct conversation *all = calloc(outstanding, sizeof *all);
    int events = epoll_create1(0);
    long lost = 0, number = names ? 0 : (long) getpid() << 32;
    uint8_t m[1500];
    int64_t start = now(), end = start + seconds * 1e9, checked = start;
    for (int i = 0; i < outstanding; i++) {
        all[i].fd = connected(to, SOCK_DGRAM, 1);
        if (all[i].fd < 0) fail("connect");
        watch(events, &all[i], EPOLLIN);
        all[i].sent = now();
        send(all[i].fd, m, query(m, i, next(&number, names)), 0);
    }
    for (int64_t t = start; t < end; t = now()) {
        struct epoll_event ready[256];
        int n = epoll_wait(events, ready, 256, 50);
        for (int i = 0; i < n; i++) {
            struct conversation *c = ready[i].data.ptr;
            ssize_t got = recv(c->fd, m, sizeof m, 0);
            if (got < 12 || (m[0] << 8 | m[1]) != (int) (c - all)) continue;
            if (m[3] & 15 || !m[7]) lost++; // an error or no answer is no success
            else record(&l, now() - c->sent);
            c->sent = now();
            send(c->fd, m, query(m, c - all, next(&number, names)), 0);
        }
        if ((t = now()) - checked < UDP_PATIENCE) continue;
        checked = t;
        for (int i = 0; i < outstanding; i++) {
            if (t - all[i].sent < PATIENCE) continue;
            lost++;
            all[i].sent = t;
            send(all[i].fd, m, query(m, i, next(&number, names)), 0);
        }
    }
    print_latencies(&l, "names", now() - start, lost);
}

void dns_rate(struct address to, int rate, double seconds, int names) {
    struct latencies l = {0};
    static int64_t due[1 << 16]; // by id; 0 once answered
    long asked = 0, total = rate * seconds;
    uint8_t m[1500];
    int s = connected(to, SOCK_DGRAM, 1);
    if (s < 0) fail("connect");
    big_buffers(s);
    int64_t start = now(), end = start + seconds * 1e9;
    for (int64_t t = start; t < end + PATIENCE && (asked < total || l.n < total); t = now()) {
        while (asked < total && start + asked * 1000000000LL / rate <= t) {
            due[asked & 0xffff] = start + asked * 1000000000LL / rate;
            send(s, m, query(m, asked & 0xffff, names ? asked % names : asked), 0);
            asked++;
        }
        int64_t wait = asked < total ? start + asked * 1000000000LL / rate - now() : 10000000;
        struct pollfd answers = {.fd = s, .events = POLLIN};
        struct timespec patience = {.tv_nsec = wait < 0 ? 0 : wait > 10000000 ? 10000000 : wait};
        if (ppoll(&answers, 1, &patience, 0) <= 0) continue;
        for (ssize_t got; (got = recv(s, m, sizeof m, 0)) >= 12;) {
            int id = m[0] << 8 | m[1];
            if (!due[id] || m[3] & 15 || !m[7]) continue;
            record(&l, now() - due[id]);
            due[id] = 0;
        }
    }
    print_latencies(&l, "names", end - start, asked - l.n);
}

void hold(struct address to, int connections) {
    int64_t start = now();
    int *all = calloc(connections, sizeof *all);
    for (int i = 0; i < connections; i++) {
        char byte = 1;
        all[i] = connected(to, SOCK_STREAM, 0);
        if (all[i] < 0 || send(all[i], &byte, 1, 0) != 1 || recv(all[i], &byte, 1, 0) != 1) {
            fprintf(stderr, "load: connection %d of %d: %s\n", i + 1, connections, strerror(errno));
            exit(1);
        }
    }
    printf("{\"unit\": \"connections\", \"n\": %d, \"per_s\": %.0f}\n", connections, connections / ((now() - start) / 1e9));
    fflush(stdout);
    for (char c; read(0, &c, 1) > 0;) {}
}
