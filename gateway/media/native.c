/*
 * The hot path of a media worker: what has to be done for every packet and every sample of a tick.
 *
 * Each function does for all legs at once what the class PortableHotPath in hot_path.py does in Python, with the same
 * results; native.py loads this file's shared object when the build could make it. No Python API is used.
 * Arrays are C-contiguous numpy arrays; a row is the number of a leg.
 */
#define _GNU_SOURCE
#include <math.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define RATE 8000
#define FRAME 160
#define HEADER 12 /* octets of the fixed RTP header */
#define WATCHED 250 /* ticks for which a socket with several packets in one of them is read until it is empty */

/* Room for the packets of a tick, one entry per packet in each array; the layout is that of native.py. */
struct slots {
    uint8_t *packets;   /* capacity x size octets */
    int32_t *length;    /* octets of each packet */
    uint8_t *truncated; /* it was longer than a slot */
    int64_t *row;       /* the leg it was for */
    int64_t *turn;      /* its number among the leg's packets of this tick */
    int64_t *source;    /* address << 16 | port of the sender */
    double *arrival;    /* monotonic seconds */
    uint8_t *ordinary;  /* media_admit has dealt with it, and these say what is left to do: */
    uint8_t *marker;
    int8_t *law;
    int32_t *payload; /* octets behind the fixed header */
    uint32_t *timestamp;
    int64_t capacity;
    int64_t size;
};

/* One entry per row of what is known of the legs' streams; the layout is that of native.py. */
struct streams {
    const int8_t *kind; /* rows x 128: what a payload type is */
    const int64_t *source;
    uint8_t *heard;
    double *last_heard;
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
};

/* The checksum of this file, which the build gives: a library of other source is not used. */
uint32_t media_source(void) { return SOURCE; }

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

/*
 * Read the sockets, beginning with number `first`, at most per_socket packets each. `offset` is what turns a stamp
 * of the kernel into monotonic seconds, `before` is when they were last read. Returns how many packets there are.
 *
 * Most sockets have one packet a tick, and to learn that there is no second one costs a third of reading it. So a
 * socket is read until it is empty only while watched[row] ticks are left: at first, and after several packets came
 * in one tick or one was found that must have been left behind.
 */
int64_t media_receive(const struct slots *s, const int32_t *fds, const int64_t *rows, int64_t sockets,
                      int64_t first, int64_t per_socket, double offset, double now, double oldest, double before,
                      int32_t *watched)
{
    int64_t total = 0;

    for (int64_t n = 0; n < sockets; n++) {
        int64_t at = (first + n) % sockets, row = rows[at];
        int all = watched[row] > 0;
        watched[row] -= all;
        for (int64_t turn = 0; (turn == 0 || all) && turn < per_socket && total < s->capacity; turn++) {
            struct sockaddr_in name;
            union { char bytes[CMSG_SPACE(sizeof(struct timespec))]; struct cmsghdr align; } control;
            struct iovec vector = {s->packets + total * s->size, (size_t)s->size};
            struct msghdr message = {&name, sizeof name, &vector, 1, &control, sizeof control, 0};
            ssize_t length = recvmsg(fds[at], &message, MSG_DONTWAIT);
            double arrival;
            int stamped;
            if (length < 0)
                break;
            arrival = arrival_of(&message, offset, now, oldest, &stamped);
            s->length[total] = (int32_t)length;
            s->truncated[total] = (message.msg_flags & MSG_TRUNC) != 0;
            s->row[total] = row;
            s->turn[total] = turn;
            s->source[total] = (int64_t)ntohl(name.sin_addr.s_addr) << 16 | ntohs(name.sin_port);
            s->arrival[total] = arrival;
            total++;
            if (turn > 0 || arrival < before || !stamped) { /* several, left behind, or nobody knows */
                all = 1;
                watched[row] = WATCHED;
            }
        }
    }
    return total;
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

/*
 * Take the packets that are as they should be: G.711 without CSRCs, extension and padding, from the leg's source and
 * stream, with the next sequence number. All others, and what follows them on the same leg, are left to Intake.
 */
void media_admit(const struct slots *s, int64_t total, const struct streams *legs, double now, int64_t smallest,
                 int64_t largest)
{
    int64_t other = -1; /* the row of the last packet that was not ordinary */

    for (int64_t i = 0; i < total; i++) {
        const uint8_t *packet = s->packets + i * s->size;
        int64_t row = s->row[i], payload = s->length[i] - HEADER;
        int8_t kind = legs->kind[row * 128 + (packet[1] & 0x7F)];
        uint16_t sequence = (uint16_t)(packet[2] << 8 | packet[3]);
        uint32_t timestamp, ssrc;
        s->ordinary[i] = 0;
        if (row == other)
            continue;
        other = row;
        if (payload < smallest || payload > largest || packet[0] != 0x80 || s->truncated[i] || (kind & ~1))
            continue;
        memcpy(&timestamp, packet + 4, 4);
        memcpy(&ssrc, packet + 8, 4);
        timestamp = ntohl(timestamp);
        if (s->source[i] != legs->source[row] || !legs->started[row] || ntohl(ssrc) != legs->ssrc[row] ||
            sequence != (uint16_t)(legs->highest[row] + 1))
            continue;
        other = -1;
        s->ordinary[i] = 1;
        s->marker[i] = packet[1] >> 7;
        s->law[i] = kind;
        s->payload[i] = (int32_t)payload;
        s->timestamp[i] = timestamp;
        legs->heard[row] = 1;
        legs->last_heard[row] = now;
        legs->muted[row] = 0;
        legs->highest[row]++;
        legs->in_stream[row]++;
        legs->received[row]++;
        legs->window[row] = legs->window[row] << 1 | 1;
        legs->expected_next[row] = -1;
        measure(legs, row, timestamp, s->arrival[i]);
    }
}

/* Send packet rows[n] through fds[n] to names[rows[n]]; one of length 0 is left out. What cannot leave is lost. */
void media_send(const int32_t *fds, const int64_t *rows, int64_t count, const uint8_t *packets, int64_t size,
                const int64_t *lengths, const struct sockaddr_in *names)
{
    for (int64_t n = 0; n < count; n++) {
        int64_t row = rows[n];
        if (lengths[row] > 0)
            sendto(fds[n], packets + row * size, (size_t)lengths[row], MSG_DONTWAIT | MSG_NOSIGNAL,
                   (const struct sockaddr *)&names[row], sizeof names[row]);
    }
}

/* G.711 to linear: `length` octets at `start` of each packet chosen[n], by tables[laws[n]]. */
void media_decode(const int16_t *tables, const int8_t *laws, const uint8_t *packets, int64_t size, int64_t start,
                  const int64_t *chosen, int64_t count, int64_t length, int16_t *pcm)
{
    for (int64_t n = 0; n < count; n++) {
        const int16_t *table = tables + 256 * laws[n];
        const uint8_t *codes = packets + chosen[n] * size + start;
        for (int64_t i = 0; i < length; i++)
            *pcm++ = table[codes[i]];
    }
}

/* Linear to G.711: frame rows[n] into its packet at `start`, by tables[laws[rows[n]]]. */
void media_encode(const uint8_t *tables, const int8_t *laws, const int16_t *frames, const int64_t *rows,
                  int64_t count, uint8_t *packets, int64_t size, int64_t start)
{
    for (int64_t n = 0; n < count; n++) {
        const uint8_t *table = tables + 65536 * laws[rows[n]];
        const int16_t *frame = frames + rows[n] * FRAME;
        uint8_t *codes = packets + rows[n] * size + start;
        for (int i = 0; i < FRAME; i++)
            codes[i] = table[(uint16_t)frame[i]];
    }
}

/* Left and right frames of each recording slots[n], sample by sample, behind the filled[slot] frames of its block. */
void media_interleave(const int16_t *frames, const int64_t *left, const int64_t *right, const int64_t *slots,
                      int64_t count, const int64_t *filled, int64_t block_frames, int16_t *samples)
{
    for (int64_t n = 0; n < count; n++) {
        int64_t slot = slots[n];
        const int16_t *one = frames + left[slot] * FRAME, *two = frames + right[slot] * FRAME;
        int16_t *out = samples + (slot * block_frames + filled[slot]) * FRAME * 2;
        for (int i = 0; i < FRAME; i++) {
            out[2 * i] = one[i];
            out[2 * i + 1] = two[i];
        }
    }
}
