/*
 * The phones of bench.media: what is done for each packet that they send and hear. media_load.py compiles this file
 * for the run and calls it, once per group of phones.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define HEADER 12
#define FRAME 160
#define LARGEST 640
#define LOUD 0x50 /* a G.711 code of this segment and more, without the law's inverted bits */
#define LOUD_SAMPLES 8

/* gateway.media.addresses.SOCKADDR */
union name {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* One entry per phone in each array; phone 2n talks to phone 2n + 1. The layout is that of media_load.py. */
struct phones {
    const int32_t *fds;
    const union name *engine; /* where the phone's leg is */
    uint8_t *packets;                 /* size octets each */
    const int64_t *lengths;
    const uint8_t *sounds;   /* quiet and loud, of each law: 2 x 2 x FRAME */
    const uint8_t *law;      /* 0 A-law, 1 µ-law */
    const uint8_t *deaf;     /* what it hears is encrypted: no marks for it */
    double *marked_at;       /* seconds of the wall clock when its partner sent a mark that it has not heard yet */
    int64_t *first, *last, *got; /* sequence number of the first packet heard (or -1) and of the last; how many */
    double *delays;          /* seconds from the sending of a mark to its receipt */
    int64_t count, size, every, room, heard, sent;
    int64_t talking; /* the first so many phones have begun */
};

static int is_marked(const struct phones *p, int64_t round, int64_t phone)
{
    return !p->deaf[phone ^ 1] && (round + phone / 2) % (2 * p->every) == p->every * (phone & 1);
}

/* Write the packets of every `step`th phone from `first` on. */
void load_write(const struct phones *p, int64_t round, int64_t first, int64_t step)
{
    uint16_t sequence = htons((uint16_t)round);
    uint32_t timestamp = htonl((uint32_t)(round * FRAME));

    for (int64_t n = first; n < p->talking; n += step) {
        uint8_t *packet = p->packets + n * p->size;
        memcpy(packet + 2, &sequence, sizeof sequence);
        memcpy(packet + 4, &timestamp, sizeof timestamp);
        memcpy(packet + HEADER, p->sounds + (2 * is_marked(p, round, n) + p->law[n]) * FRAME, FRAME);
    }
}

/* Send them. */
void load_send(struct phones *p, int64_t round, int64_t first, int64_t step)
{
    for (int64_t n = first; n < p->talking; n += step) {
        if (is_marked(p, round, n)) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            p->marked_at[n ^ 1] = (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
        }
        sendto(p->fds[n], p->packets + n * p->size, (size_t)p->lengths[n], MSG_DONTWAIT,
               (const struct sockaddr *)&p->engine[n], sizeof p->engine[n]);
        p->sent++;
    }
}

/* Send the last packet of the first phone again and again. */
void load_flood(const struct phones *p, int64_t packets)
{
    while (packets-- > 0)
        sendto(p->fds[0], p->packets, (size_t)p->lengths[0], MSG_DONTWAIT, (const struct sockaddr *)&p->engine[0],
               sizeof p->engine[0]);
}

static void listen_to(struct phones *p, int64_t n, const uint8_t *packet, double arrival)
{
    uint8_t flip = p->law[n] ? 0xFF : 0x55;
    int loud = 0;

    for (int i = HEADER; i < HEADER + FRAME; i++)
        loud += ((packet[i] ^ flip) & 0x70) >= LOUD;
    if (loud < LOUD_SAMPLES)
        return;
    if (p->heard < p->room)
        p->delays[p->heard++] = arrival > p->marked_at[n] ? arrival - p->marked_at[n] : 0;
    p->marked_at[n] = 0;
}

/* Take what has arrived for every `step`th phone from `first` on: one packet each, or all. */
void load_receive(struct phones *p, int64_t first, int64_t step, int64_t all)
{
    uint8_t packet[LARGEST];
    struct timespec stamp;

    for (int64_t n = first; n < p->count; n += step) {
        do {
            struct sockaddr_in name;
            union { char bytes[CMSG_SPACE(sizeof stamp)]; struct cmsghdr align; } control;
            struct iovec vector = {packet, sizeof packet};
            struct msghdr message = {&name, sizeof name, &vector, 1, &control, sizeof control, 0};
            struct cmsghdr *head;
            if (recvmsg(p->fds[n], &message, MSG_DONTWAIT) < HEADER + FRAME)
                break;
            if (name.sin_port != p->engine[n].v4.sin_port)
                continue; /* ports are used again: others may still send to this one */
            p->last[n] = packet[2] << 8 | packet[3];
            if (p->got[n]++ == 0)
                p->first[n] = p->last[n];
            head = CMSG_FIRSTHDR(&message);
            if (p->marked_at[n] > 0 && head != NULL) {
                memcpy(&stamp, CMSG_DATA(head), sizeof stamp);
                listen_to(p, n, packet, (double)stamp.tv_sec + (double)stamp.tv_nsec * 1e-9);
            }
        } while (all);
    }
}
