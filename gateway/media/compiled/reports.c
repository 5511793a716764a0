/* RTCP: what is reported of the legs. */
#include "compiled.h"

#include <math.h>

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
