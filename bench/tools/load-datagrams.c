// How many datagrams per second come through without loss: the client searches; the server beside `serve` counts or sends.
//
// Every datagram starts with a struct head. out: the client sends DATA, then asks COUNT until it is told how many of that trial
// came. in: the client asks SEND (the only one on its way to the server, so it is repeated), and the server sends DATA and five ENDs.
#include "load.h"

enum { DATA = 1, COUNT, COUNTED, SEND, END, BURST = 64 };
static const uint32_t MAGIC = 0x51ab1e5d;

struct head {
    uint32_t magic, kind, trial, size;
    uint64_t number; // DATA, END: of datagrams sent so far; COUNTED: of datagrams that came; SEND: datagrams per second
    uint32_t ms, pad;
};

static struct mmsghdr messages[BURST];
static struct iovec parts[BURST];
static uint8_t *payload;

static void prepare(int size, struct address *to) {
    if (!payload && !(payload = calloc(BURST, LARGEST))) fail("memory");
    for (int i = 0; i < BURST; i++) {
        parts[i] = (struct iovec){payload + (size_t) i * LARGEST, size};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1, .msg_name = to ? &to->of : 0, .msg_namelen = to ? to->size : 0};
    }
}

// Sends at the rate in bursts a fifth of a millisecond apart; returns how many.
static uint64_t blast(int s, struct address *to, uint32_t trial, int size, double rate, int ms) {
    int64_t start = now(), end = start + ms * 1000000LL, apart = 200000;
    uint64_t sent = 0;
    prepare(size, to);
    if (rate * apart < 1e9) apart = 1e9 / rate;
    for (int64_t t = start; t < end; t = now()) {
        uint64_t due = (t - start) * rate / 1e9 + 1, late = rate / 500 + BURST; // 2 ms are caught up; what is later was not offered
        static uint64_t skipped;
        if (!sent) skipped = 0;
        if (due > sent + skipped + late) skipped = due - sent - late;
        while (sent + skipped < due) {
            unsigned n = due - sent - skipped < BURST ? due - sent - skipped : BURST;
            for (unsigned i = 0; i < n; i++) *(struct head *) (void *) parts[i].iov_base = (struct head){MAGIC, DATA, trial, size, sent + i, 0, 0};
            int done = sendmmsg(s, messages, n, 0);
            if (done < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ECONNREFUSED)) break; // full: not offered either
            if (done < 0) fail("sendmmsg");
            sent += done;
            if (now() >= end) break;
        }
        sleep_until(t + apart);
    }
    return sent;
}

void blast_service(int s, const uint8_t *bytes, ssize_t length, struct address *from) {
    static uint32_t counting, sent_for;
    static uint64_t came;
    struct head h;
    if (length < (ssize_t) sizeof h) return;
    memcpy(&h, bytes, sizeof h);
    if (h.magic != MAGIC) return;
    if (h.kind == DATA) {
        if (h.trial != counting) {
            counting = h.trial;
            came = 0;
        }
        came++;
    } else if (h.kind == COUNT) {
        h.kind = COUNTED;
        h.number = h.trial == counting ? came : 0;
        sendto(s, &h, sizeof h, 0, (void *) &from->of, from->size);
    } else if (h.kind == SEND && h.trial != sent_for && h.size <= LARGEST && h.ms <= 10000) {
        struct head last = {MAGIC, END, h.trial, 0, 0, 0, 0};
        sent_for = h.trial;
        fcntl(s, F_SETFL, 0);
        last.number = blast(s, from, h.trial, h.size, h.number, h.ms);
        for (int i = 0; i < 5; i++) {
            sleep_until(now() + 20000000);
            sendto(s, &last, sizeof last, 0, (void *) &from->of, from->size);
        }
        fcntl(s, F_SETFL, O_NONBLOCK);
    }
}

struct outcome {
    double offered, delivered, lost; // per second, per second, fraction
};

static struct outcome outcome(uint64_t sent, uint64_t came, int ms) {
    return (struct outcome){sent / (ms / 1e3), came / (ms / 1e3), sent ? 1 - (double) came / sent : 1};
}

static void patience(int s, int ms) {
    struct timeval t = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
}

static struct outcome outward(int s, uint32_t trial, int size, double rate, int ms) {
    uint64_t sent = blast(s, 0, trial, size, rate, ms), came = 0;
    patience(s, 100);
    for (int asked = 0, same = 0; asked < 20 && same < 2; asked++) { // until two answers agree: queues on the way have run empty
        struct head h = {MAGIC, COUNT, trial, 0, 0, 0, 0};
        sleep_until(now() + 20000000);
        send(s, &h, sizeof h, 0);
        if (recv(s, &h, sizeof h, 0) != sizeof h || h.kind != COUNTED || h.trial != trial) continue;
        same = h.number == came ? same + 1 : 0;
        came = h.number;
        if (came == sent) break;
    }
    return outcome(sent, came, ms);
}

static struct outcome inward(int s, uint32_t trial, int size, double rate, int ms) {
    uint64_t sent = 0, came = 0;
    int64_t give_up = now() + (ms + 1500) * 1000000LL, asked = 0;
    prepare(LARGEST, 0);
    patience(s, 150);
    while (!sent && now() < give_up) {
        if (!came && now() - asked > 150000000) {
            struct head h = {MAGIC, SEND, trial, size, rate, ms, 0};
            asked = now();
            send(s, &h, sizeof h, 0);
        }
        int n = recvmmsg(s, messages, BURST, MSG_WAITFORONE, 0);
        for (int i = 0; i < n; i++) {
            struct head *h = parts[i].iov_base;
            if (messages[i].msg_len < sizeof *h || h->magic != MAGIC || h->trial != trial) continue;
            if (h->kind == DATA) came++;
            if (h->kind == END) sent = h->number;
        }
    }
    return outcome(sent, came, ms);
}

void lossless_rate(struct address to, int inbound, int size, double step_seconds) {
    enum { TRIES = 2, STEPS = 24 };
    int s = connected(to, SOCK_DGRAM, 0), ms = step_seconds * 1000;
    if (s < 0) fail("connect");
    if (size < (int) sizeof(struct head) || size > LARGEST) {
        fprintf(stderr, "load: sizes go from %zu to %d\n", sizeof(struct head), LARGEST);
        exit(2);
    }
    big_buffers(s);
    uint32_t trial = now() / 1000;
    struct outcome best = {0};
    double all = 0, good = 0, bad = 0, rate = size > 10000 ? 4000 : 25000;
    for (int step = 0; step < STEPS && (!good || !bad || bad / good > 1.1); step++) {
        struct outcome o = {0};
        for (int t = 0; t < TRIES; t++) {
            o = inbound ? inward(s, ++trial, size, rate, ms) : outward(s, ++trial, size, rate, ms);
            all += o.delivered * ms / 1e3;
            if (o.lost < 0.001) break;
        }
        if (getenv("LOAD_TRACE")) fprintf(stderr, "rate %.0f: offered %.0f delivered %.0f lost %.4f\n", rate, o.offered, o.delivered, o.lost);
        if (o.lost < 0.001) {
            if (o.delivered > best.delivered) best = o;
            good = rate;
            if (o.offered < rate * 0.9) break; // the sender can no more
        } else bad = rate;
        rate = !bad ? good * 1.6 : !good ? bad / 2 : (good + bad) / 2;
        if (rate < 100) break;
    }
    printf("{\"unit\": \"datagrams\", \"size\": %d, \"per_s\": %.0f, \"gbps\": %.3f, \"lost\": %.5f, \"came\": %.0f}\n", size, best.delivered, best.delivered * size * 8 / 1e9, best.lost, all);
}
