/* What leaves: sound is coded, and packets are sent. */
#define _GNU_SOURCE
#include "compiled.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OWN_FRAME (-2) /* hot_path.py */

/* Where a sink's sound is, as Heard in hot_path.py tells: that of a source, nothing, or a frame of its own. */
static inline const int16_t *heard_by(const int16_t *sound, const int64_t *source, const int16_t *frames, int64_t row)
{
    static const int16_t silence[FRAME];

    if (source[row] >= 0)
        return sound + source[row] * FRAME;
    return source[row] == OWN_FRAME ? frames + row * FRAME : silence;
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
