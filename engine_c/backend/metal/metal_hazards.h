/* metal hazards: what the dispatches since the last barrier read and wrote, as byte ranges. Inside
 * a concurrent encoder the GPU may run dispatches in any order and at once, so one that touches
 * what another wrote, or writes what another read, needs a barrier before it. Knows neither
 * dispatches nor Metal. */
#ifndef METAL_HAZARDS_H
#define METAL_HAZARDS_H

#include "backend/metal/metal_backend.h"

enum { METAL_HAZARD_RANGES = 256 };

typedef struct metal_range {
  const metal_buffer *buffer;
  int64_t begin, end;
  int32_t is_written;
} metal_range;

typedef struct metal_hazards {
  metal_range ranges[METAL_HAZARD_RANGES];
  int32_t count;
} metal_hazards; /* zero-initialised: nothing was touched */

/* Adds what `d` touches; 1: a barrier must come before it, and what came before is forgotten. */
int metal_hazards_add(metal_hazards *h, const metal_dispatch *d);

/* After a barrier, or in a new command buffer, which waits for those before it. */
void metal_hazards_clear(metal_hazards *h);

#endif
