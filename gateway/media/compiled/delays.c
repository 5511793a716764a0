/* The jitter buffers: what is taken out, and how long it waits there. */
#include "compiled.h"

#include <math.h>

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
