/*
 * The hot path of a media worker: what has to be done for every packet and every sample of a tick.
 *
 * Each function does for all legs at once what the class PortableHotPath in hot_path.py does in Python, with the same
 * results; native.py loads the shared object when the build could make it. No Python API is used. Arrays are
 * C-contiguous numpy arrays; a row is the number of a leg. What several of the files need is here.
 */
#ifndef CCPLATFORM_COMPILED_H
#define CCPLATFORM_COMPILED_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#define FRAME 160
#define HEADER 12       /* octets of the fixed RTP header */
#define ABSENT (-32768) /* a sample that has not arrived */
#define BINS 96         /* of a histogram of delays */
#define AHEAD 2         /* rows whose memory is fetched before their turn */

/* Where the compiler can, a function is compiled for newer processors as well; the loader takes what fits. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

/* The same as the kernel has it: SOCKADDR. */
union name {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Begin to fetch memory that will be written soon. */
static inline void fetch(const void *memory, int64_t octets)
{
    for (int64_t i = 0; i < octets; i += 64)
        __builtin_prefetch((const char *)memory + i, 1);
}

static inline void put16(uint8_t *out, uint16_t value)
{
    value = htons(value);
    memcpy(out, &value, sizeof value);
}

static inline void put32(uint8_t *out, uint32_t value)
{
    value = htonl(value);
    memcpy(out, &value, sizeof value);
}

#endif
