// What the parts of `load` share.
#ifndef LOAD_H
#define LOAD_H
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BIG_BUFFER = 2 << 20, LARGEST = 65507 }; // a few milliseconds of datagrams: enough for a hiccup, too little to hide a slow receiver

struct address {
    struct sockaddr_storage of;
    socklen_t size;
};

int64_t now(void);                       // nanoseconds of the monotonic clock
void sleep_until(int64_t moment);
void fail(const char *what);             // says errno and ends
struct address address_of(const char *host, int port);
int connected(struct address to, int type, int nonblocking); // -1 where it fails at once
int dual_stack(int type, int port);      // bound to every address, IPv6 and IPv4
void big_buffers(int socket);

// Latencies, kept one by one.
struct latencies {
    uint32_t *ns;
    int n;
};
void record(struct latencies *l, int64_t ns);
void print_latencies(struct latencies *l, const char *unit, int64_t took, long lost); // one line of JSON

void serve(int port);
void blast_service(int socket, const uint8_t *request, ssize_t length, struct address *from);

void request_response(struct address to, int udp, int connections, double seconds, int pace_us);
void connect_request_response(struct address to, int concurrent, double seconds);
void dns_server(const char *host, int port, int ttl);
void dns_queries(struct address to, int outstanding, double seconds, int names);
void dns_rate(struct address to, int rate, double seconds, int names);
void lossless_rate(struct address to, int inbound, int size, double step_seconds);
void hold(struct address to, int connections);
#endif
