/* DTMF in the sound. */
#include "compiled.h"

#define TONES 8 /* the low group, then the high group */

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
