// The yardstick: how fast any user-mode forwarder between a TAP and host sockets can be on this machine.
//
//   ceiling NETNS-OF-THE-HOST MTU      (started inside the guest's network namespace; serves until killed)
//
// One thread, one epoll instance, the kernel's segmentation and checksum offloads, one copy per byte and direction. It does only
// what a lossless link needs: it never retransmits, never keeps what arrives out of order, has no timers and refuses nothing.
// A correct translator must do more, so hardly anything correct can be faster. TCP and UDP over IPv4; every destination address is
// led to 127.0.0.1 of the host. A flow is found by the guest's source port alone: one guest, one measurement at a time.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { VNET = 12, ETH = 14, IP = 20, TCPH = 20, UDPH = 8, FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum { FRAMES_PER_BATCH = 64, READS_PER_TURN = 8, ACK_AT = 256 * 1024, OUR_SHIFT = 8 };

struct flow {
    int fd, udp, connecting, readable, ended_by_guest, ended_by_host, ack_due, listed;
    uint32_t guest, there;      // addresses as the guest sees them, network order
    uint16_t guest_port, port;  // network order
    uint32_t expected, next, unacknowledged, window, pending; // next byte from the guest, next to it, oldest it has not acknowledged
    int shift;
};

static struct flow *flows[2][65536]; // [udp][guest port]
static struct flow *turn[4096];      // flows whose socket has more for the guest, or which owe an ACK
static int turns, tap, events, mss;
static uint8_t in[VNET + 65536 + ETH], out[VNET + 65536 + ETH];
static uint8_t us[6] = {0x02, 0x50, 0, 0, 0, 1}, guest_mac[6];

static uint16_t get16(const uint8_t *p) { uint16_t v; memcpy(&v, p, 2); return ntohs(v); }
static uint32_t get32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return ntohl(v); }
static void put16(uint8_t *p, unsigned v) { uint16_t n = htons(v); memcpy(p, &n, 2); }
static void put32(uint8_t *p, uint32_t v) { v = htonl(v); memcpy(p, &v, 4); }

static uint32_t sum(const uint8_t *p, int length, uint32_t start) {
    for (int i = 0; i + 1 < length; i += 2) start += get16(p + i);
    return start;
}
static uint16_t folded(uint32_t s) { while (s >> 16) s = (s & 0xffff) + (s >> 16); return s; }

// Completes the frame in `out`, whose transport header and payload stand at their places already, and writes it. The checksum is
// left to the kernel, which wants the pseudo header's sum in its field.
static void emit(struct flow *f, int header, int payload) {
    struct virtio_net_hdr_mrg_rxbuf v = {0};
    uint8_t *eth = out + VNET, *ip = eth + ETH, *transport = ip + IP;
    int protocol = f->udp ? IPPROTO_UDP : IPPROTO_TCP, field = f->udp ? 6 : 16;
    v.hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    v.hdr.csum_start = ETH + IP;
    v.hdr.csum_offset = field;
    if (!f->udp && payload > mss) {
        v.hdr.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
        v.hdr.gso_size = mss;
        v.hdr.hdr_len = ETH + IP + header;
    }
    memcpy(out, &v, VNET);
    memcpy(eth, guest_mac, 6);
    memcpy(eth + 6, us, 6);
    put16(eth + 12, 0x0800);
    memset(ip, 0, IP);
    ip[0] = 0x45;
    put16(ip + 2, IP + header + payload);
    put16(ip + 6, 0x4000);
    ip[8] = 64;
    ip[9] = protocol;
    memcpy(ip + 12, &f->there, 4);
    memcpy(ip + 16, &f->guest, 4);
    put16(ip + 10, (uint16_t) ~folded(sum(ip, IP, 0)));
    memcpy(transport, &f->port, 2);
    memcpy(transport + 2, &f->guest_port, 2);
    put16(transport + field, folded(sum(ip + 12, 8, protocol + header + payload)));
    if (write(tap, out, VNET + ETH + IP + header + payload) < 0 && errno != EAGAIN) perror("ceiling: write to the TAP");
}

static void segment(struct flow *f, int flags, int payload) {
    uint8_t *t = out + VNET + ETH + IP;
    int header = TCPH;
    memset(t, 0, TCPH);
    put32(t + 4, f->next);
    put32(t + 8, f->expected);
    put16(t + 14, 65535);
    if (flags & SYN) {
        static const uint8_t scale[4] = {1, 3, 3, OUR_SHIFT};
        t[20] = 2;
        t[21] = 4;
        put16(t + 22, mss);
        memcpy(t + 24, scale, 4);
        header += 8;
    }
    t[12] = header / 4 << 4;
    t[13] = flags;
    emit(f, header, payload);
    f->next += payload + !!(flags & SYN) + !!(flags & FIN);
    f->ack_due = f->pending = 0;
}

static void list(struct flow *f) {
    if (!f->listed && turns < 4096) {
        f->listed = 1;
        turn[turns++] = f;
    }
}

static void drop(struct flow *f) {
    for (int i = 0; i < turns; i++) if (turn[i] == f) turn[i] = turn[--turns];
    flows[f->udp][ntohs(f->guest_port)] = 0;
    close(f->fd);
    free(f);
}

static struct flow *open_flow(int udp, const uint8_t *ip, const uint8_t *transport) {
    struct flow *f = calloc(1, sizeof *f);
    int one = 1, big = 4 << 20;
    f->udp = udp;
    memcpy(&f->guest, ip + 12, 4);
    memcpy(&f->there, ip + 16, 4);
    memcpy(&f->guest_port, transport, 2);
    memcpy(&f->port, transport + 2, 2);
    f->fd = socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK, 0);
    if (udp) setsockopt(f->fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof big);
    else setsockopt(f->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = f->port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    connect(f->fd, (void *) &a, sizeof a);
    f->connecting = !udp;
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = f};
    epoll_ctl(events, EPOLL_CTL_ADD, f->fd, &e);
    return flows[udp][ntohs(f->guest_port)] = f;
}

static void answer_arp(const uint8_t *frame) {
    memcpy(guest_mac, frame + 6, 6);
    if (get16(frame + 20) != 1) return;
    uint8_t *eth = out + VNET;
    memset(out, 0, VNET);
    memcpy(eth, frame, 42);
    memcpy(eth, guest_mac, 6);
    memcpy(eth + 6, us, 6);
    put16(eth + 20, 2);
    memcpy(eth + 22, us, 6);
    memcpy(eth + 28, frame + 38, 4);
    memcpy(eth + 32, frame + 22, 10);
    if (write(tap, out, VNET + 42) < 0) perror("ceiling: ARP");
}

// The whole payload into the host's socket: waits where that is full, since nothing may be lost or kept.
static void to_host(struct flow *f, const uint8_t *payload, int length) {
    for (int done = 0; done < length;) {
        ssize_t n = send(f->fd, payload + done, length - done, MSG_NOSIGNAL);
        if (n >= 0) done += n;
        else if (errno == EAGAIN) poll(&(struct pollfd){.fd = f->fd, .events = POLLOUT}, 1, 1000);
        else return;
    }
}

static void tcp_from_guest(const uint8_t *ip, const uint8_t *t, int length) {
    struct flow *f = flows[0][get16(t)];
    int header = (t[12] >> 4) * 4, payload = length - header, flags = t[13];
    uint32_t sequence = get32(t + 4);
    if (flags & SYN) {
        if (f && f->connecting) return;
        if (f) drop(f);
        f = open_flow(0, ip, t);
        f->expected = sequence + 1;
        f->next = f->unacknowledged = 1u << 20;
        f->window = get16(t + 14);
        for (const uint8_t *o = t + TCPH; o < t + header && *o; o += *o == 1 ? 1 : o[1] < 2 ? 40 : o[1])
            if (*o == 3) f->shift = o[2];
        return;
    }
    if (!f) return;
    if (flags & RST) {
        drop(f);
        return;
    }
    if (flags & ACK) {
        f->unacknowledged = get32(t + 8);
        f->window = (uint32_t) get16(t + 14) << f->shift;
        if (f->readable) list(f);
    }
    if (payload > 0) {
        f->ack_due = 1;
        list(f);
        if (sequence != f->expected) return;
        to_host(f, t + header, payload);
        f->expected += payload;
        f->pending += payload;
        if (f->pending >= ACK_AT) segment(f, ACK, 0);
    }
    if ((flags & FIN) && sequence + payload == f->expected) {
        f->expected++;
        f->ended_by_guest = 1;
        shutdown(f->fd, SHUT_WR);
        segment(f, ACK, 0);
    }
    if (f->ended_by_guest && f->ended_by_host && f->unacknowledged == f->next) drop(f);
}

static void from_guest(int length) {
    uint8_t *frame = in + VNET, *ip = frame + ETH;
    if (length < VNET + ETH + IP) return;
    if (get16(frame + 12) == 0x0806) answer_arp(frame);
    if (get16(frame + 12) != 0x0800) return;
    int header = (ip[0] & 15) * 4, rest = get16(ip + 2) - header;
    uint8_t *transport = ip + header;
    if (ip[9] == IPPROTO_TCP && rest >= TCPH) tcp_from_guest(ip, transport, rest);
    else if (ip[9] == IPPROTO_UDP && rest >= UDPH) {
        struct flow *f = flows[1][get16(transport)];
        if (f && memcmp(&f->port, transport + 2, 2)) {
            drop(f);
            f = 0;
        }
        if (!f) f = open_flow(1, ip, transport);
        send(f->fd, transport + UDPH, rest - UDPH, MSG_NOSIGNAL);
    }
}

static void datagrams_to_guest(struct flow *f) {
    uint8_t *u = out + VNET + ETH + IP;
    for (int i = 0; i < FRAMES_PER_BATCH; i++) {
        ssize_t n = recv(f->fd, u + UDPH, 65507, 0);
        if (n < 0) {
            f->readable = 0;
            return;
        }
        put16(u + 4, UDPH + n);
        emit(f, UDPH, n);
    }
}

// Says whether the flow is still there.
static int stream_to_guest(struct flow *f) {
    for (int i = 0; i < READS_PER_TURN && f->readable && !f->ended_by_host; i++) {
        int room = f->window - (f->next - f->unacknowledged), most = (65535 - IP - TCPH) / mss * mss;
        if (room < most) most = room < mss ? room : room / mss * mss;
        if (most <= 0) break;
        ssize_t n = recv(f->fd, out + VNET + ETH + IP + TCPH, most, 0);
        if (n > 0) segment(f, PSH | ACK, n);
        else if (n == 0) {
            f->ended_by_host = 1;
            segment(f, FIN | ACK, 0);
        } else if (errno == EAGAIN) f->readable = 0;
        else {
            segment(f, RST | ACK, 0);
            drop(f);
            return 0;
        }
    }
    if (f->ack_due) segment(f, ACK, 0);
    return 1;
}

static int more(struct flow *f) {
    return f->readable && (f->udp || (!f->ended_by_host && (int) (f->window - (f->next - f->unacknowledged)) > 0));
}

static int take_turns(void) {
    for (int i = 0; i < turns;) {
        struct flow *f = turn[i];
        if (f->udp) datagrams_to_guest(f);
        else if (!f->connecting && !stream_to_guest(f)) continue; // its place in the list is another's now
        if (more(f)) i++;
        else {
            f->listed = 0;
            turn[i] = turn[--turns];
        }
    }
    return turns;
}

static void on_host_event(struct flow *f, uint32_t what) {
    if (f->connecting && (what & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        f->connecting = 0;
        segment(f, error ? RST | ACK : SYN | ACK, 0);
        if (error) {
            drop(f);
            return;
        }
    }
    if (what & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        f->readable = 1;
        list(f);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) return fprintf(stderr, "usage: ceiling NETNS MTU\n"), 2;
    signal(SIGPIPE, SIG_IGN);
    mss = atoi(argv[2]) - IP - TCPH;
    struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    strcpy(r.ifr_name, "tap0");
    int size = VNET, host = open(argv[1], O_RDONLY);
    tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (tap < 0 || ioctl(tap, TUNSETIFF, &r) || ioctl(tap, TUNSETVNETHDRSZ, &size) || ioctl(tap, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4)
        || host < 0 || setns(host, CLONE_NEWNET)) return perror("ceiling"), 1;
    events = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = 0};
    epoll_ctl(events, EPOLL_CTL_ADD, tap, &e);
    puts("ready");
    fflush(stdout);
    for (int busy = 0;;) {
        struct epoll_event ready[256];
        int n = epoll_wait(events, ready, 256, busy ? 0 : -1), guest = 0;
        for (int i = 0; i < n; i++) {
            if (ready[i].data.ptr) on_host_event(ready[i].data.ptr, ready[i].events);
            else guest = 1;
        }
        for (int i = 0; guest && i < FRAMES_PER_BATCH; i++) { // last: what it drops may stand in `ready`
            int length = read(tap, in, sizeof in);
            if (length <= 0) break;
            from_guest(length);
        }
        busy = take_turns();
    }
}
