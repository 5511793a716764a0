/* Where sound may be made longer or shorter. */
#include "compiled.h"

#include <math.h>

#define MOST_WINDOWS 256 /* that a template is compared with */
#define MOST_SOUND 640   /* samples that are looked at to change a delay, at 16 kHz */

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
