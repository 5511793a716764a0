/*
 * The hot path of a media worker: what has to be done for every packet and every sample of a tick.
 *
 * Each function does for all legs at once what the class PortableHotPath in hot_path.py does in Python, with the same
 * results; native.py loads this file's shared object when the build could make it. No Python API is used.
 * Arrays are C-contiguous numpy arrays; a row is the number of a leg.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define RATE 8000
#define FRAME 160
#define HEADER 12    /* octets of the fixed RTP header */
#define SMALLEST 40  /* octets of audio in a packet: 5 to 60 ms of G.711 */
#define LARGEST 480
#define WATCHED 250  /* ticks for which a socket with several packets in one of them is read until it is empty */
#define ABSENT (-32768) /* a sample that has not arrived */
#define BINS 96      /* of a histogram of delays */
#define MOST_WINDOWS 256 /* that a template is compared with */
#define MOST_SOUND 640 /* samples that are looked at to change a delay, at 16 kHz */
#define OWN_FRAME (-2) /* hot_path.py */
#define AHEAD 2      /* rows whose memory is fetched before their turn */
#define TONES 8      /* of DTMF: the low group, then the high group */

/* Where the compiler can, a function is compiled for newer processors as well; the loader takes what fits. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

/* An address and its port as addresses.py has them: 48 bits in each part, IPv4 as mapped into IPv6. */
struct address {
    int64_t parts[3];
};

/* The same as the kernel has it: SOCKADDR. */
union name {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
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

/*
 * The two system calls are made without the C library's wrappers: these never block, and to be a point where a thread
 * may be cancelled costs as much as some of the functions here.
 */

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

/* Begin to fetch memory that will be written soon. */
static void fetch(const void *memory, int64_t octets)
{
    for (int64_t i = 0; i < octets; i += 64)
        __builtin_prefetch((const char *)memory + i, 1);
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

/*
 * Take `length` samples at `start` of each of the first `rows` rings into frames that lie `stride` samples apart, and
 * note whose are not all there; the samples at `old` become absent.
 */
void media_take(int16_t *rings, int64_t ring_size, int64_t rows, int64_t start, int64_t old, int64_t length,
                int16_t *frames, int64_t stride, uint8_t *lossy)
{
    for (int64_t row = 0; row < rows; row++) {
        int16_t *ring = rings + row * ring_size;
        const int16_t *restrict from = ring + start;
        int16_t *restrict frame = frames + row * stride, *restrict gone = ring + old;
        int absent = 0;
        if (row + 2 < rows) {
            fetch(from + 2 * ring_size, 2 * length);
            fetch(gone + 2 * ring_size, 2 * length);
        }
        for (int64_t i = 0; i < length; i++) {
            absent |= from[i] == ABSENT;
            frame[i] = from[i];
        }
        for (int64_t i = 0; i < length; i++)
            gone[i] = ABSENT;
        lossy[row] = (uint8_t)absent;
    }
}

/* What a delay is to be like, as DelayRules in hot_path.py: samples, but for the cost of a bin and of losses. */
struct delays {
    int64_t bin, frame, close, keep, proof;
    float step, loss, most, lossy;
};

/* What a leg wants of its delay is written, the rest is read; one entry per row. */
struct delayed {
    const float *bins; /* rows x BINS */
    const uint8_t *playing;
    const int32_t *packet;
    const float *loss;
    const double *reach;
    const int64_t *position;
    const int64_t *began;
    int64_t *wanted;
};

/*
 * The delay worth waiting for by a histogram, and the one that most packets keep: upper edges of bins. An empty bin but
 * the first is neither: it costs more than the one before it and keeps no packet more. Most are empty.
 */
static void wait_for(const float *bins, const struct delays *r, int64_t *enough, int64_t *early)
{
    float total = 0, below = 0, least = INFINITY;
    int64_t cheapest = 0, first = -1;

    for (int i = 0; i < BINS; i++)
        total += bins[i];
    total = total > 1e-30f ? total : 1e-30f;
    for (int i = 0; i < BINS; i++) {
        float share, cost;
        if (bins[i] == 0 && i > 0)
            continue;
        share = (below += bins[i]) / total;
        cost = (float)i * r->step + (1 - share) * r->loss;
        if (cost < least) {
            least = cost;
            cheapest = i;
        }
        if (first < 0 && share >= r->most)
            first = i;
    }
    *enough = (cheapest + 1) * r->bin;
    *early = ((first < 0 ? 0 : first) + 1) * r->bin;
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Compare the delay of rows [first, last) with what their network needs: see HotPath.control. */
void media_control(const struct delayed *legs, int64_t first, int64_t last, int64_t ticks, const struct delays *r)
{
    for (int64_t row = first; row < last; row++) {
        int64_t needed, early, packet = legs->packet[row], grain, skew, up;
        double spare, lacking, room;
        if (!legs->playing[row])
            continue;
        wait_for(legs->bins + row * BINS, r, &needed, &early);
        if (legs->loss[row] > r->lossy && needed < early + packet)
            needed = early + packet;
        grain = common_divisor(packet, r->frame);
        skew = legs->position[row] % grain;
        spare = legs->reach[row] - (double)needed - (double)(r->frame - grain);
        up = (grain - skew) % grain;
        lacking = (double)r->close - spare - (double)up;
        up += (int64_t)ceil((lacking > 0 ? lacking : 0) / (double)grain) * grain;
        room = spare - (double)r->keep - (double)skew;
        if (spare < (double)(skew + r->close))
            legs->wanted[row] = up;
        else if (room >= 0 && ticks - legs->began[row] >= r->proof)
            legs->wanted[row] = -(skew + (int64_t)floor(room / (double)grain) * grain);
        else
            legs->wanted[row] = 0;
    }
}

/*
 * Follow the background of rows [first, last): the least level of a frame, looked at in every `step`th of its `length`
 * samples, rising by `rise`. Frames in which something is absent tell nothing.
 */
void media_listen(const int16_t *frames, int64_t stride, int64_t first, int64_t last, int64_t length, int64_t step,
                  float rise, float *background)
{
    for (int64_t row = first; row < last; row++) {
        const int16_t *frame = frames + row * stride;
        int64_t energy = 0;
        int absent = 0;
        for (int64_t i = 0; i < length; i += step) {
            absent |= frame[i] == ABSENT;
            energy += frame[i] * frame[i];
        }
        if (!absent) {
            float level = (float)sqrt((double)energy / (double)(length / step)), raised = background[row] * rise;
            background[row] = level < raised ? level : raised;
        }
    }
}

/* An inner product of samples, exact: see media_screen. */
static inline int32_t product(const int16_t *restrict a, const int16_t *restrict b)
{
    int32_t sum = 0;

    for (int i = 0; i < FRAME; i++)
        sum += a[i] * b[i];
    return sum;
}

/*
 * DTMF: might the frames of these rows be a key? As ToneScreen in hot_path.py tells. All sums are
 * exact: a windowed sample has 13 bits and so has each wave, and the window's squares add up to 60.
 * `passed` and the strongest tones of both groups are per place in `rows`; `kept` gets the frames, per row.
 */
WIDE void media_screen(const int16_t *frames, int64_t stride, const int64_t *rows, int64_t count,
                       const int16_t *window, const int16_t *waves, int64_t least_energy, int64_t least_share,
                       double share, uint8_t *passed, int64_t *low, int64_t *high, int16_t *kept)
{
    for (int64_t n = 0; n < count; n++) {
        const int16_t *restrict frame = frames + rows[n] * stride;
        int16_t windowed[FRAME];
        int64_t energy, best[2] = {0, 0}, tone[2] = {0, 0};
        if (n + AHEAD < count) {
            fetch(frames + rows[n + AHEAD] * stride, FRAME * 2);
            fetch(kept + rows[n + AHEAD] * FRAME, FRAME * 2);
        }
        memcpy(kept + rows[n] * FRAME, frame, FRAME * sizeof *frame);
        for (int i = 0; i < FRAME; i++)
            windowed[i] = (int16_t)((frame[i] * window[i]) >> 18);
        energy = product(windowed, windowed);
        passed[n] = 0;
        low[n] = high[n] = 0;
        if (energy < least_energy)
            continue;
        for (int64_t t = 0; t < TONES; t++) {
            int64_t i = product(windowed, waves + t * FRAME), q = product(windowed, waves + (t + TONES) * FRAME);
            int64_t power = i * i + q * q, group = t / (TONES / 2);
            if (power > best[group]) {
                best[group] = power;
                tone[group] = t % (TONES / 2);
            }
        }
        low[n] = tone[0];
        high[n] = tone[1];
        passed[n] = (double)(best[0] + best[1]) > share * (double)energy && best[0] > least_share &&
                    best[1] > least_share;
    }
}

/* Of one row, see media_similarity. */
static inline void similarity(const float *restrict signal, const float *restrict template, int64_t windows,
                              int64_t length, double floor_, float *restrict alike)
{
    double match[MOST_WINDOWS] = {0}, own = 0, energy = 0;

    for (int64_t i = 0; i < length; i++) {
        double sample = template[i];
        own += sample * sample;
        energy += (double)signal[i] * signal[i];
        for (int64_t lag = 0; lag < windows; lag++)
            match[lag] += sample * signal[lag + i];
    }
    for (int64_t lag = 0; lag < windows; lag++) {
        double gone = signal[lag], next = lag + 1 < windows ? signal[lag + length] : 0;
        alike[lag] = (float)match[lag] / (float)sqrt((energy + floor_) * (own + floor_));
        energy += next * next - gone * gone;
    }
}

/*
 * Normalised correlation of a template (`length` samples) with each of `windows` parts of a signal that begin one
 * sample after the other, for each of `rows`, which lie apart by the strides. Samples are whole numbers, so that all
 * sums are exact; `floor` keeps silence defined.
 */
WIDE void media_similarity(const float *signals, int64_t signal_stride, const float *templates,
                           int64_t template_stride, int64_t rows, int64_t windows, int64_t length, double floor_,
                           float *alike)
{
    for (int64_t row = 0; row < rows; row++)
        similarity(signals + row * signal_stride, templates + row * template_stride, windows, length, floor_,
                   alike + row * windows);
}

/* What a change of delay must be like, as StretchRules in hot_path.py; the first four in samples. */
struct rules {
    int64_t shortest, longest, size, much;
    double scale, excess, forbidden, grow_alike, shrink_alike, grow_haste, shrink_haste, repeats, noise, floor;
    float pause, quietest, loudest, flat;
};

/*
 * How many samples may be added right after `head` of each of these rows now (negative: taken out; 0: none), of those
 * that are wanted: see Stretcher.
 */
WIDE void media_lengths(const int16_t *rings, int64_t ring_size, const int64_t *rows, int64_t count, int64_t head,
                        const int64_t *wanted, const float *background, const struct rules *r, int64_t *added)
{
    int64_t longest = r->longest, windows = longest - r->shortest + 1, heard = longest + r->size;

    for (int64_t n = 0; n < count; n++) {
        const int16_t *ring = rings + rows[n] * ring_size;
        int64_t place = (head - longest + ring_size) % ring_size, most = wanted[n] < 0 ? -wanted[n] : wanted[n];
        int64_t from = wanted[n] > 0 ? 0 : longest, to = from + heard, best = 0, energy = 0;
        int grows = wanted[n] > 0, absent = 0, quiet, much = most >= r->much, low = 32767, high = -32768;
        float sound[MOST_SOUND], alike[MOST_WINDOWS], level, limit = background[n] * r->pause, closest = -INFINITY;
        double top = -INFINITY, asked, repeats = INFINITY;
        for (int64_t i = 0; i < longest + heard; i++) {
            int16_t sample = ring[place];
            place = place + 1 < ring_size ? place + 1 : 0;
            sound[i] = sample;
            absent |= sample == ABSENT && i >= from && i < to;
            if (i >= longest) {
                energy += sample * sample;
                low = sample < low ? sample : low;
                high = sample > high ? sample : high;
            }
        }
        added[n] = 0;
        if (absent)
            continue;
        similarity(grows ? sound : sound + longest + r->shortest, sound + longest, windows, r->size, r->floor, alike);
        for (int64_t i = 0; i < windows; i++) {
            float fit = alike[grows ? windows - 1 - i : i];
            int64_t over = r->shortest + i - most;
            double score = fit - (double)(over > 0 ? over : 0) / r->scale * (grows ? r->excess : r->forbidden);
            closest = fit > closest ? fit : closest;
            if (score > top) {
                top = score;
                best = i;
            }
        }
        level = (float)sqrt((double)energy / (double)heard);
        quiet = level <= (limit > r->quietest ? limit : r->quietest);
        if ((float)(high - low) > r->flat)
            repeats = background[n] > r->loudest ? r->noise : r->repeats;
        if (grows)
            asked = much ? r->grow_haste : r->grow_alike;
        else
            asked = much || quiet ? r->shrink_haste : r->shrink_alike;
        if (quiet && closest < repeats)
            added[n] = most < longest ? most : longest;
        else if ((grows || r->shortest + best <= most) && alike[grows ? windows - 1 - best : best] >= asked)
            added[n] = r->shortest + best;
        if (!grows)
            added[n] = -added[n];
    }
}

/* Where a sink's sound is, as Heard in hot_path.py tells: that of a source, nothing, or a frame of its own. */
static inline const int16_t *heard_by(const int16_t *sound, const int64_t *source, const int16_t *frames, int64_t row)
{
    static const int16_t silence[FRAME];

    if (source[row] >= 0)
        return sound + source[row] * FRAME;
    return source[row] == OWN_FRAME ? frames + row * FRAME : silence;
}

static void put16(uint8_t *out, uint16_t value)
{
    value = htons(value);
    memcpy(out, &value, sizeof value);
}

static void put32(uint8_t *out, uint32_t value)
{
    value = htonl(value);
    memcpy(out, &value, sizeof value);
}

/* The segment and the four bits after the leading one of a magnitude from 128 on, as a float holds them. */
static inline int32_t curve(int32_t magnitude)
{
    float number = (float)magnitude;
    int32_t bits;

    memcpy(&bits, &number, sizeof bits);
    return (bits >> 19) - ((127 + 7) << 4);
}

/*
 * Linear to G.711: what sink rows[n] hears into its packet behind the header, A-law where laws[rows[n]], else µ-law.
 * What g711.py has in tables, calculated, since that goes for many samples at once.
 */
WIDE void media_encode(const int8_t *laws, const int16_t *sound, const int64_t *source, const int16_t *frames,
                       const int64_t *rows, int64_t count, uint8_t *packets, int64_t size)
{
    for (int64_t n = 0; n < count; n++) {
        const int16_t *restrict frame = heard_by(sound, source, frames, rows[n]);
        uint8_t *restrict codes = packets + rows[n] * size + HEADER;
        if (n + AHEAD < count) {
            fetch(heard_by(sound, source, frames, rows[n + AHEAD]), FRAME * 2);
            fetch(packets + rows[n + AHEAD] * size, HEADER + FRAME);
        }
        if (laws[rows[n]])
            for (int i = 0; i < FRAME; i++) {
                int32_t sign = frame[i] >> 15, magnitude = frame[i] ^ sign;
                codes[i] = (uint8_t)((magnitude < 256 ? magnitude >> 4 : curve(magnitude)) ^ (~sign & 0x80) ^ 0x55);
            }
        else
            for (int i = 0; i < FRAME; i++) {
                int32_t sign = frame[i] >> 15, magnitude = frame[i] ^ sign;
                codes[i] = (uint8_t)(curve((magnitude > 32635 ? 32635 : magnitude) + 0x84) ^ (sign & 0x80) ^ 0xFF);
            }
    }
}

/* The headers of packets rows[n], one further in sequence; what is marked begins a stream, and is so no more. */
void media_head(const int64_t *rows, int64_t count, uint8_t *packets, int64_t size, uint16_t *sequence,
                const uint32_t *clock, const uint32_t *ssrc, const uint8_t *payload_type, uint8_t *starting)
{
    for (int64_t n = 0; n < count; n++) {
        int64_t row = rows[n];
        uint8_t *packet = packets + row * size;
        packet[1] = payload_type[row] | (starting[row] ? 0x80 : 0);
        starting[row] = 0;
        put16(packet + 2, ++sequence[row]);
        put32(packet + 4, clock[row]);
        put32(packet + 8, ssrc[row]);
    }
}

/*
 * Send and count packet rows[n] through fds[n], to names[rows[n]] unless the socket is connected; none of length 0. What
 * cannot leave is lost, but for what a connected socket refuses only to tell that the peer refused one before.
 */
void media_send(const int32_t *fds, const int64_t *rows, int64_t count, const uint8_t *packets, int64_t size,
                const int64_t *lengths, const union name *names, const uint8_t *connected, int64_t *sent)
{
    for (int64_t n = 0; n < count; n++) {
        int64_t row = rows[n];
        if (lengths[row] <= 0)
            continue;
        const union name *name = connected[row] ? NULL : &names[row];
        if (n + 1 < count)
            fetch(packets + rows[n + 1] * size, HEADER + FRAME);
        for (int tries = 0; tries < 2; tries++)
            if (syscall(SYS_sendto, fds[n], packets + row * size, (size_t)lengths[row], MSG_DONTWAIT | MSG_NOSIGNAL,
                        name, name ? sizeof *name : 0) >= 0 || errno != ECONNREFUSED)
                break;
        sent[row]++;
    }
}

/* What RTCP reports of the legs, one entry per row, as Reported in hot_path.py; packets are written. */
struct reported {
    const int64_t *sent;
    const uint32_t *clock;
    const uint32_t *own;
    const uint8_t *started;
    const uint32_t *ssrc;
    const int64_t *highest;
    const int64_t *first;
    const int64_t *in_stream;
    const int64_t *received;
    const int64_t *lost_before;
    const double *jitter;
    const uint32_t *last_report;
    const double *last_report_at;
    int64_t *expected_before;
    int64_t *received_before;
    uint8_t *packets;
    int64_t *lengths;
};

static int64_t within(int64_t number, int64_t least, int64_t most)
{
    return number < least ? least : number > most ? most : number;
}

/* The six words of a report block (RFC 3550 section 6.4.1 and appendix A.3). */
static void block_of(const struct reported *legs, int64_t row, double now, uint32_t *words)
{
    int64_t received = legs->received[row], spanned = legs->highest[row] - legs->first[row] + 1;
    int64_t expected = received + within(spanned - legs->in_stream[row], 0, INT64_MAX) + legs->lost_before[row];
    int64_t interval = expected - legs->expected_before[row];
    int64_t missing = within(interval - (received - legs->received_before[row]), 0, INT64_MAX);
    int64_t fraction = interval > 0 ? within(missing * 256 / interval, 0, 255) : 0, delay = 0;

    legs->expected_before[row] = expected;
    legs->received_before[row] = received;
    if (legs->last_report[row])
        delay = within((int64_t)rint((now - legs->last_report_at[row]) * 65536), 0, UINT32_MAX);
    words[0] = legs->ssrc[row];
    words[1] = (uint32_t)fraction << 24 | (within(expected - received, -0x800000, 0x7FFFFF) & 0xFFFFFF);
    words[2] = (uint32_t)(legs->highest[row] - 0x10000);
    words[3] = legs->jitter[row] < UINT32_MAX ? (uint32_t)legs->jitter[row] : UINT32_MAX;
    words[4] = legs->last_report[row];
    words[5] = (uint32_t)delay;
}

/* Write the compound packets of rows[n], `size` octets apart: a report, and `name` as CNAME of the source. */
void media_report(const struct reported *legs, const int64_t *rows, int64_t count, uint64_t ntp, double now,
                  const uint8_t *name, int64_t name_length, int64_t size)
{
    for (int64_t n = 0; n < count; n++) {
        int64_t row = rows[n], chunk = (4 + 2 + name_length + 4) & ~3; /* one octet of zero at least ends it */
        uint8_t *out = legs->packets + row * size;
        uint32_t sent = (uint32_t)legs->sent[row], words[15] = {0, legs->own[row]};
        int length = 2, kind = legs->sent[row] ? 200 : 201;
        if (legs->sent[row]) {
            const uint32_t info[] = {(uint32_t)(ntp >> 32), (uint32_t)ntp, legs->clock[row], sent, sent * FRAME};
            memcpy(words + length, info, sizeof info);
            length += 5;
        }
        if (legs->started[row]) {
            block_of(legs, row, now, words + length);
            length += 6;
        }
        words[0] = 0x80000000u | (uint32_t)(legs->started[row] != 0) << 24 | (uint32_t)kind << 16 | (uint32_t)(length - 1);
        words[length++] = 0x80000000u | 1u << 24 | 202u << 16 | (uint32_t)(chunk / 4);
        words[length++] = legs->own[row];
        for (int i = 0; i < length; i++, out += 4)
            put32(out, words[i]);
        memset(out, 0, (size_t)chunk - 4);
        out[0] = 1; /* CNAME */
        out[1] = (uint8_t)name_length;
        memcpy(out + 2, name, (size_t)name_length);
        legs->lengths[row] = out + chunk - 4 - (legs->packets + row * size);
    }
}

/* G.711 to linear: `length` octets behind the header of each packet chosen[n], by tables[laws[n]]. */
void media_decode(const int16_t *tables, const int8_t *laws, const uint8_t *packets, int64_t size,
                  const int64_t *chosen, int64_t count, int64_t length, int16_t *pcm)
{
    for (int64_t n = 0; n < count; n++)
        decode(tables + 256 * laws[n], packets + chosen[n] * size + HEADER, length, pcm + n * length);
}

/* Left and right frames of each recording slots[n], sample by sample, behind the filled[slot] frames of its block. */
void media_interleave(const int16_t *frames, int64_t stride, const int64_t *left, const int64_t *right,
                      const int64_t *slots, int64_t count, const int64_t *filled, int64_t block_frames,
                      int16_t *samples)
{
    for (int64_t n = 0; n < count; n++) {
        int64_t slot = slots[n];
        const int16_t *restrict one = frames + left[slot] * stride, *restrict two = frames + right[slot] * stride;
        int16_t *restrict out = samples + (slot * block_frames + filled[slot]) * FRAME * 2;
        if (n + 1 < count)
            fetch(samples + (slots[n + 1] * block_frames + filled[slots[n + 1]]) * FRAME * 2, FRAME * 4);
        for (int i = 0; i < FRAME; i++) {
            out[2 * i] = one[i];
            out[2 * i + 1] = two[i];
        }
    }
}

/*
 * Write part n of sizes[n] octets into fds[n] at places[n]; failed[n] is 0 or the number of the error. The three arrays
 * of `count` numbers follow one another.
 */
void media_write(const int64_t *numbers, const uint8_t *const *parts, int64_t count, int64_t *failed)
{
    const int64_t *fds = numbers, *places = numbers + count, *sizes = numbers + 2 * count;

    for (int64_t n = 0; n < count; n++)
        for (int64_t done = 0; done < sizes[n] && !failed[n];) {
            ssize_t written = pwrite((int)fds[n], parts[n] + done, (size_t)(sizes[n] - done), places[n] + done);
            if (written > 0)
                done += written;
            else if (written == 0 || errno != EINTR)
                failed[n] = written == 0 ? EIO : errno;
        }
}
