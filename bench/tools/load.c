// Load for the measurements: clients and the servers they talk to, one subcommand each, results as one line of JSON.
//
//   load serve PORT                                      echoes TCP and UDP on PORT; counts and sends datagrams on PORT+1
//   load rr tcp|udp HOST PORT CONNECTIONS SECONDS [US]   one byte there and back on each connection; US: one request per so many
//                                                        microseconds and connection, timed from when it was due
//   load crr HOST PORT CONCURRENT SECONDS                connect, one byte there and back, close
//   load dns-serve HOST PORT [TTL]                       answers every query with an address, which may be kept TTL seconds (0)
//   load dns HOST PORT OUTSTANDING SECONDS [NAMES]       queries, every one for another name, or for one of NAMES in turn
//   load dns-rate HOST PORT RATE SECONDS NAMES           RATE queries a second, timed from when each was due; none is asked twice
//   load pps out|in HOST PORT SIZE STEP-SECONDS          the highest rate of datagrams with less than 0.1 % lost; PORT is serve's
//   load hold HOST PORT CONNECTIONS                      opens them, uses each once, prints, holds them until its input ends
#include "load.h"

int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

void sleep_until(int64_t moment) {
    struct timespec t = {moment / 1000000000, moment % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, 0) == EINTR) {}
}

void fail(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

struct address address_of(const char *host, int port) {
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *found;
    struct address a = {0};
    char text[16];
    snprintf(text, sizeof text, "%d", port);
    int error = getaddrinfo(host, text, &hints, &found);
    if (error) {
        fprintf(stderr, "load: %s is no address: %s\n", host, gai_strerror(error));
        exit(2);
    }
    memcpy(&a.of, found->ai_addr, found->ai_addrlen);
    a.size = found->ai_addrlen;
    freeaddrinfo(found);
    return a;
}

int connected(struct address to, int type, int nonblocking) {
    int one = 1, s = socket(to.of.ss_family, type | (nonblocking ? SOCK_NONBLOCK : 0), 0);
    if (s < 0) fail("socket");
    if (type == SOCK_STREAM) setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(s, (void *) &to.of, to.size) && errno != EINPROGRESS) {
        int why = errno;
        close(s);
        errno = why;
        return -1;
    }
    return s;
}

int dual_stack(int type, int port) {
    int one = 1, no = 0, s = socket(AF_INET6, type | SOCK_NONBLOCK, 0);
    struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (s >= 0) {
        setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
        setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (!bind(s, (void *) &any6, sizeof any6)) return s;
        close(s);
    }
    s = socket(AF_INET, type | SOCK_NONBLOCK, 0);
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(s, (void *) &any4, sizeof any4)) fail("bind");
    return s;
}

void big_buffers(int socket) {
    int size = BIG_BUFFER;
    if (setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size)) setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size)) setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

enum { MOST_LATENCIES = 4 << 20 };

void record(struct latencies *l, int64_t ns) {
    if (!l->ns && !(l->ns = malloc(MOST_LATENCIES * sizeof *l->ns))) fail("memory");
    if (l->n < MOST_LATENCIES) l->ns[l->n++] = ns > UINT32_MAX ? UINT32_MAX : ns;
}

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;
    return x < y ? -1 : x > y;
}

void print_latencies(struct latencies *l, const char *unit, int64_t took, long lost) {
    if (!l->n) {
        fprintf(stderr, "load: not one of the %s was answered (%ld lost)\n", unit, lost);
        exit(1);
    }
    qsort(l->ns, l->n, sizeof *l->ns, ascending);
    printf("{\"unit\": \"%s\", \"n\": %d, \"per_s\": %.0f, \"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f, \"lost\": %ld}\n", unit, l->n, l->n / (took / 1e9),
           l->ns[l->n / 2] / 1e3, l->ns[(int) (l->n * 0.99)] / 1e3, l->ns[l->n - 1] / 1e3, lost);
}

static int usage(void) {
    fputs("usage: load serve|rr|crr|dns-serve|dns|dns-rate|pps|hold …: the head of load.c says how\n", stderr);
    return 2;
}

int main(int argc, char **argv) {
    struct rlimit files = {1 << 20, 1 << 20};
    if (setrlimit(RLIMIT_NOFILE, &files) && !getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    prctl(PR_SET_TIMERSLACK, 1);
    const char *what = argc > 1 ? argv[1] : "";
    char **a = argv + 2;
    int n = argc - 2;
    if (!strcmp(what, "serve") && n == 1) serve(atoi(a[0]));
    else if (!strcmp(what, "rr") && (n == 5 || n == 6)) request_response(address_of(a[1], atoi(a[2])), !strcmp(a[0], "udp"), atoi(a[3]), atof(a[4]), n == 6 ? atoi(a[5]) : 0);
    else if (!strcmp(what, "crr") && n == 4) connect_request_response(address_of(a[0], atoi(a[1])), atoi(a[2]), atof(a[3]));
    else if (!strcmp(what, "dns-serve") && (n == 2 || n == 3)) dns_server(a[0], atoi(a[1]), n == 3 ? atoi(a[2]) : 0);
    else if (!strcmp(what, "dns") && (n == 4 || n == 5)) dns_queries(address_of(a[0], atoi(a[1])), atoi(a[2]), atof(a[3]), n == 5 ? atoi(a[4]) : 0);
    else if (!strcmp(what, "dns-rate") && n == 5) dns_rate(address_of(a[0], atoi(a[1])), atoi(a[2]), atof(a[3]), atoi(a[4]));
    else if (!strcmp(what, "pps") && n == 5) lossless_rate(address_of(a[1], atoi(a[2]) + 1), !strcmp(a[0], "in"), atoi(a[3]), atof(a[4]));
    else if (!strcmp(what, "hold") && n == 3) hold(address_of(a[0], atoi(a[1])), atoi(a[2]));
    else return usage();
    return 0;
}
