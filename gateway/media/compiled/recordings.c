/* Recordings: their samples, and their files. */
#define _GNU_SOURCE
#include "compiled.h"

#include <errno.h>
#include <unistd.h>

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
