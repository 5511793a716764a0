/* What arrives: sockets are read, and ordinary packets put where they belong. */
#define _GNU_SOURCE
#include "compiled.h"

#include <errno.h>
#include <math.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * System calls are made without the C library's wrappers, here and for sending: these never block, and to be a point
 * where a thread may be cancelled costs as much as some of the functions here.
 */

#define RATE 8000
#define SMALLEST 40 /* octets of audio in a packet: 5 to 60 ms of G.711 */
#define LARGEST 480
#define WATCHED 250 /* ticks for which a socket with several packets in one of them is read until it is empty */

/* An address and its port as addresses.py has them: 48 bits in each part, IPv4 as mapped into IPv6. */
struct address {
    int64_t parts[3];
};

/* Room for the packets of a tick, one entry per packet in each array; the layout is that of native.py. */
struct slots {
    uint8_t *packets;   /* capacity x size octets */
    int32_t *length;    /* octets of each packet */
    uint8_t *truncated; /* it was longer than a slot */
    int64_t *row;       /* the leg it was for */
    int64_t *turn;      /* its number among the leg's packets of this tick */
    struct address *source; /* of the sender */
    double *arrival;    /* monotonic seconds */
    uint8_t *ordinary;  /* media_admit has dealt with it */
    int64_t capacity;
    int64_t size;
};

/* What is known of the legs' streams, one entry per row, and what of their jitter buffers; as in native.py. */
struct streams {
    const int8_t *kind; /* rows x 128: what a payload type is */
    const struct address *source;
    uint8_t *heard;
    double *last_heard;
    const uint8_t *shielded;
    const uint8_t *started;
    const uint32_t *ssrc;
    int64_t *highest;
    int64_t *in_stream;
    int64_t *received;
    uint64_t *window;
    int64_t *expected_next;
    double *jitter;
    int64_t *transit;
    uint8_t *transit_known;
    uint8_t *muted;
    uint8_t *narrow;
    const uint8_t *playing;
    const int32_t *clock;
    int64_t *position;
    uint32_t *timestamp;
    int64_t *end;
    int8_t *strikes;
    int32_t *packet;
    float *delay;
    double *delay_sum;
    int64_t *placed;
    const double *reach;
    float *bins; /* rows x BINS */
    int16_t *ring; /* rows x ring_size */
    const int16_t *decode; /* 2 x 256: G.711 to linear */
    int64_t ring_size;
    int64_t farthest; /* samples from the head that a packet may lie off */
    int64_t bin;      /* samples */
    int64_t head;
    int64_t overdue; /* samples that are taken at once, besides those of this tick */
    double weight;   /* of a packet in the histogram */
};

/* What media_receive found besides: all packets that were read, and the legs that had as many as one may have. */
struct intake {
    int64_t packets;
    int64_t limited;
};

/* The kernel's stamp of a message (SO_TIMESTAMPNS) as monotonic seconds within [now - oldest, now]; now without one. */
static double arrival_of(struct msghdr *message, double offset, double now, double oldest, int *stamped)
{
    struct cmsghdr *control = CMSG_FIRSTHDR(message);
    struct timespec stamp;
    double arrival;

    *stamped = control != NULL && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPNS;
    if (!*stamped)
        return now;
    memcpy(&stamp, CMSG_DATA(control), sizeof stamp);
    arrival = (double)stamp.tv_sec + (double)stamp.tv_nsec * 1e-9 + offset;
    return arrival > now ? now : arrival < now - oldest ? now - oldest : arrival;
}

static uint64_t big_endian(const uint8_t *octets, int count)
{
    uint64_t number = 0;

    for (int i = 0; i < count; i++)
        number = number << 8 | octets[i];
    return number;
}

static struct address address_of(const union name *name)
{
    struct address address = {{0, 0xFFFF, 0}};

    if (name->v4.sin_family == AF_INET) {
        address.parts[2] = (int64_t)ntohl(name->v4.sin_addr.s_addr) << 16 | ntohs(name->v4.sin_port);
    } else {
        const uint8_t *octets = name->v6.sin6_addr.s6_addr;
        address.parts[0] = (int64_t)big_endian(octets, 6);
        address.parts[1] = (int64_t)big_endian(octets + 6, 6);
        address.parts[2] = (int64_t)(big_endian(octets + 12, 4) << 16 | ntohs(name->v6.sin6_port));
    }
    return address;
}

static int same(const struct address *a, const struct address *b)
{
    return a->parts[2] == b->parts[2] && a->parts[1] == b->parts[1] && a->parts[0] == b->parts[0];
}

/* Interarrival jitter (RFC 3550 section 6.4.1) in samples, as Reception.measure does it. */
static void measure(const struct streams *legs, int64_t row, uint32_t timestamp, double arrival)
{
    int64_t transit = (int64_t)floor(arrival * RATE) - timestamp;
    int64_t change = (int32_t)(uint32_t)(transit - legs->transit[row]);

    change = change < 0 ? -change : change;
    if (legs->transit_known[row] && change < RATE)
        legs->jitter[row] += ((double)change - legs->jitter[row]) / 16;
    legs->transit[row] = transit;
    legs->transit_known[row] = 1;
}

/* Count the delay of a packet, as JitterBuffer._note and DelayHistogram.note do. */
static void note(const struct streams *legs, int64_t row, double delay)
{
    double recent = legs->delay[row], bin = (legs->reach[row] - delay) / (double)legs->bin;
    float *count = legs->bins + row * BINS + (bin < 0 ? 0 : bin > BINS - 1 ? BINS - 1 : (int)bin);

    legs->delay[row] = (float)(legs->placed[row] == 0 ? delay : recent + (delay - recent) / 16);
    legs->delay_sum[row] += delay;
    legs->placed[row]++;
    *count = (float)(*count + legs->weight);
}

static void decode(const int16_t *table, const uint8_t *restrict codes, int64_t length, int16_t *restrict pcm)
{
    for (int64_t i = 0; i < length; i++)
        pcm[i] = table[codes[i]];
}

/*
 * Take a packet that is as it should be: G.711 without CSRCs, extension and padding, from the leg's source and stream,
 * with the next sequence number, in time for its place in the jitter buffer. Returns 0 for any other, untouched.
 */
static int admit(const struct streams *legs, int64_t row, const uint8_t *packet, int64_t length,
                 const struct address *source, double arrival, double now)
{
    int64_t size = length - HEADER, position, ahead, start, first;
    int8_t law = legs->kind[row * 128 + (packet[1] & 0x7F)];
    const int16_t *table = legs->decode + 256 * (law & 1);
    int16_t *ring = legs->ring + row * legs->ring_size;
    uint32_t timestamp, ssrc;

    if (size < SMALLEST || size > LARGEST || packet[0] != 0x80 || (law & ~1) || !same(source, &legs->source[row]) ||
        !legs->started[row] || !legs->playing[row] || legs->clock[row] != RATE ||
        (uint16_t)(packet[2] << 8 | packet[3]) != (uint16_t)(legs->highest[row] + 1))
        return 0;
    memcpy(&timestamp, packet + 4, 4);
    memcpy(&ssrc, packet + 8, 4);
    timestamp = ntohl(timestamp);
    position = legs->position[row] + (int32_t)(timestamp - legs->timestamp[row]);
    ahead = position - legs->head;
    if (ntohl(ssrc) != legs->ssrc[row] || ahead < 0 || ahead + size > legs->farthest)
        return 0;
    legs->heard[row] = 1;
    legs->last_heard[row] = now;
    legs->muted[row] = 0;
    legs->narrow[row] = 1;
    legs->highest[row]++;
    legs->in_stream[row]++;
    legs->received[row]++;
    legs->window[row] = legs->window[row] << 1 | 1;
    legs->expected_next[row] = -1;
    measure(legs, row, timestamp, arrival);
    note(legs, row, (double)ahead + ((now - arrival) * RATE - (double)legs->overdue));
    legs->strikes[row] = 0;
    legs->position[row] = position;
    legs->timestamp[row] = timestamp;
    legs->packet[row] = (int32_t)size;
    if (legs->end[row] < position + size)
        legs->end[row] = position + size;
    start = position % legs->ring_size;
    first = start + size > legs->ring_size ? legs->ring_size - start : size;
    decode(table, packet + HEADER, first, ring + start);
    decode(table, packet + HEADER + first, size - first, ring);
    return 1;
}

/* Begin to fetch what the next packet of a row will most likely touch. */
static void expect(const struct streams *legs, int64_t row)
{
    int64_t start = (legs->position[row] + legs->packet[row]) % legs->ring_size;

    __builtin_prefetch(legs->kind + row * 128);
    fetch(legs->ring + row * legs->ring_size + start, FRAME * 2);
}

/*
 * Read the sockets, beginning with number `first`, at most per_socket packets each. `offset` is what turns a stamp
 * of the kernel into monotonic seconds, `before` is when they were last read. With `legs`, ordinary packets of legs
 * that are not shielded are taken at once. Returns how many are in the slots: all others, and what follows them on
 * the same leg.
 *
 * Most sockets have one packet a tick, and to learn that there is no second one costs a third of reading it. So a
 * socket is read until it is empty only while watched[row] ticks are left: at first, and after several packets came
 * in one tick or one was found that must have been left behind.
 */
int64_t media_receive(const struct slots *s, const int32_t *fds, const int64_t *rows, int64_t sockets,
                      int64_t first, int64_t per_socket, double offset, double now, double oldest, double before,
                      int32_t *watched, const struct streams *legs, struct intake *found)
{
    int64_t total = 0;

    found->packets = found->limited = 0;
    for (int64_t n = 0; n < sockets; n++) {
        int64_t at = (first + n) % sockets, row = rows[at], turn;
        int all = watched[row] > 0, admits = legs != NULL && !legs->shielded[row];
        watched[row] -= all;
        if (legs != NULL)
            expect(legs, rows[at + 1 < sockets ? at + 1 : 0]);
        for (turn = 0; (turn == 0 || all) && turn < per_socket && total < s->capacity; turn++) {
            union name name;
            union { char bytes[CMSG_SPACE(sizeof(struct timespec))]; struct cmsghdr align; } control;
            uint8_t *packet = s->packets + total * s->size;
            struct iovec vector = {packet, (size_t)s->size};
            struct msghdr message = {&name, sizeof name, &vector, 1, &control, sizeof control, 0};
            ssize_t length = syscall(SYS_recvmsg, fds[at], &message, MSG_DONTWAIT);
            if (length < 0 && errno == ECONNREFUSED) /* of something that was sent; it is told once */
                length = syscall(SYS_recvmsg, fds[at], &message, MSG_DONTWAIT);
            struct address source;
            double arrival;
            int stamped, truncated;
            if (length < 0)
                break;
            arrival = arrival_of(&message, offset, now, oldest, &stamped);
            if (turn > 0 || arrival < before || !stamped) { /* several, left behind, or nobody knows */
                all = 1;
                watched[row] = WATCHED;
            }
            source = address_of(&name);
            truncated = (message.msg_flags & MSG_TRUNC) != 0;
            admits = admits && !truncated && admit(legs, row, packet, length, &source, arrival, now);
            if (admits)
                continue;
            s->length[total] = (int32_t)length;
            s->truncated[total] = (uint8_t)truncated;
            s->row[total] = row;
            s->turn[total] = turn;
            s->source[total] = source;
            s->arrival[total] = arrival;
            total++;
        }
        found->packets += turn;
        found->limited += turn == per_socket;
    }
    return total;
}

/* Take the ordinary ones of the first `total` packets in the slots; none that follows another one of its leg. */
void media_admit(const struct slots *s, int64_t total, const struct streams *legs, double now)
{
    int64_t other = -1; /* the row of the last packet that was not ordinary */

    for (int64_t i = 0; i < total; i++) {
        int64_t row = s->row[i];
        s->ordinary[i] = row != other && !s->truncated[i] &&
                         admit(legs, row, s->packets + i * s->size, s->length[i], &s->source[i], s->arrival[i], now);
        if (!s->ordinary[i])
            other = row;
    }
}

/* G.711 to linear: `length` octets behind the header of each packet chosen[n], by tables[laws[n]]. */
void media_decode(const int16_t *tables, const int8_t *laws, const uint8_t *packets, int64_t size,
                  const int64_t *chosen, int64_t count, int64_t length, int16_t *pcm)
{
    for (int64_t n = 0; n < count; n++)
        decode(tables + 256 * laws[n], packets + chosen[n] * size + HEADER, length, pcm + n * length);
}
