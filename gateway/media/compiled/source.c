/* The checksum of these files, which the build gives: a library of other source is not used. */
#include "compiled.h"

uint32_t media_source(void) { return SOURCE; }
